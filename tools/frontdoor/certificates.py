"""The machine's CA certificates, for every program inside and for Bazel's Java."""

from __future__ import annotations

import contextlib
import os

from .problem import Problem
from .rootfs import BUNDLE, Root


def host_bundle() -> str | None:
    """The CA bundle (PEM) that this machine trusts: SSL_CERT_FILE, else Debian's; or None."""
    for path in (os.environ.get("SSL_CERT_FILE"), BUNDLE):
        if path and os.path.isfile(path):
            return path
    return None


def trust_store(cache: str, root: Root, checkout: str) -> str:
    """A Java trust store (PKCS #12) of the same certificates; made anew when the bundle changes.

    Java knows neither SSL_CERT_FILE nor Debian's bundle, and behind a proxy that intercepts TLS
    nothing can be downloaded without the network's own CA.

    Raises:
      Problem: the bundle can't be converted.
    """
    bundle = host_bundle()
    source = bundle or root.tree + BUNDLE
    status = os.stat(source)
    name = f"trust-{status.st_size}-{status.st_mtime_ns}.p12"
    path = os.path.join(cache, name)
    if os.path.exists(path):
        return path
    temporary = f"{path}.{os.getpid()}"
    # OpenSSL's -jdktrust marks the entries as trusted for Java; no password, as none is secret.
    command = ["/usr/bin/openssl", "pkcs12", "-export", "-nokeys", "-in", bundle or BUNDLE]
    command += ["-jdktrust", "anyExtendedKeyUsage", "-certpbe", "NONE", "-nomac"]
    command += ["-passout", "pass:", "-out", temporary]
    code = root.run(checkout, command, [cache, source])
    if code:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise Problem(
            f"{source} can't be made into a Java trust store ({command[0]} ended with {code}):"
            f" check that it holds PEM certificates and that {cache} has room (SSL_CERT_FILE names"
            " another bundle)"
        )
    for old in os.listdir(cache):
        if old.startswith("trust-") and old.endswith(".p12"):
            os.unlink(os.path.join(cache, old))
    os.replace(temporary, path)
    return path
