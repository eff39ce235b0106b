"""The machine's CA certificates, for every program inside and for Bazel's Java."""

from __future__ import annotations

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
    command = ["openssl", "pkcs12", "-export", "-nokeys", "-in", bundle or BUNDLE]
    command += ["-jdktrust", "anyExtendedKeyUsage", "-certpbe", "NONE", "-nomac"]
    command += ["-passout", "pass:", "-out", temporary]
    _run_inside(root, checkout, command, source)
    for old in os.listdir(cache):
        if old.startswith("trust-") and old.endswith(".p12"):
            os.unlink(os.path.join(cache, old))
    os.replace(temporary, path)
    return path


def _run_inside(root: Root, checkout: str, command: list[str], source: str) -> None:
    child = os.fork()
    if child == 0:
        try:
            paths = [os.path.dirname(command[-1]), source]
            root.enter(checkout, paths)
            os.execve(f"/usr/bin/{command[0]}", command, {"PATH": "/usr/bin"})
        finally:
            os._exit(127)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        raise Problem(
            f"{source} can't be made into a Java trust store ({command[0]} ended with {status}):"
            " check that it holds PEM certificates (SSL_CERT_FILE names another)"
        )
