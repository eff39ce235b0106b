"""Mirror mode: Debian's Bazel inside the private root file system."""

from __future__ import annotations

import os

from . import certificates, indexes, namespace, proxies, rootfs, sources, workspace

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# They speak of the host's libraries, languages and Java, which are not there inside.
_HOST_ONLY = frozenset(
    "JAVA_HOME JDK_HOME JRE_HOME LD_LIBRARY_PATH LD_PRELOAD LOCPATH PERL5LIB PYTHONHOME PYTHONPATH"
    " LANGUAGE".split()
)

# Files of the machine's configuration, which may lie anywhere.
_FILES = tuple(
    "SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE GIT_SSL_CAINFO"
    " PIP_CERT PIP_CONFIG_FILE UV_CONFIG_FILE NETRC".split()
)


def start(checkout: str, arguments: list[str]) -> int:
    """Replaces this process by Bazel; sets the root file system up where it is missing."""
    if namespace.is_inside(checkout):  # started by something that Bazel runs
        command = [*_command(None, None), *arguments]
        os.execve(command[0], command, dict(os.environ))
    cache = workspace.cache()
    root = rootfs.find(cache)
    if root is None:
        from . import setup

        root = setup.make(cache, checkout)
    source = sources.debian()
    command = [*_command(root, certificates.trust_store(cache, root, checkout)), *arguments]
    environment = _environment(checkout, source)
    paths = [os.getcwd(), workspace.home(), cache, "/usr/local/share/ca-certificates"]
    paths += [environment[name] for name in _FILES if name in environment]
    paths += indexes.local_folders()
    root.enter(checkout, paths)
    try:
        os.execve(command[0], command, environment)
    except FileNotFoundError as error:
        raise root.damaged(error) from None


def _command(root: rootfs.Root | None, trust_store: str | None) -> list[str]:
    command = ["/usr/bin/bazel"]
    # Debian's bazelrc maps modules in its own way; its install base is no extracted archive.
    command += ["--nosystem_rc", "--install_base=/usr/share/bazel", "--trust_install_base"]
    command += ["--server_javabase=/usr/lib/jvm/default-java"]
    if trust_store:
        command += [f"--host_jvm_args=-Djavax.net.ssl.trustStore={trust_store}"]
    if root:
        # A server that still runs in an older tree must not be taken for this one's.
        tree = f"{root.made}-{namespace.LAYOUT}"
        command += [f"--host_jvm_args=-Dfastapi_image.tree={tree}"]
    return command


def _environment(checkout: str, source: sources.Source) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _HOST_ONLY and not name.startswith("LC_")
    }
    kept.update(proxies.from_apt())
    kept.update(indexes.uv_environment(checkout))
    kept.update(PATH=_PATH, LANG="C.UTF-8", HOME=workspace.home())
    # uv, pip, curl and git trust what the machine trusts.
    kept.setdefault("SSL_CERT_FILE", rootfs.BUNDLE)
    kept[sources.VARIABLE] = source.base()
    return kept
