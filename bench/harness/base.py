"""The base image of the peers: what comes nearest to python:3.13-slim on any machine."""

import shutil
from pathlib import Path

from frontdoor import sources, workspace

from harness.measure import run

NAME = "bench-base:latest"
ENVIRONMENT = "ENV PATH=/usr/local/bin:/usr/bin:/bin"

_PACKAGES = "python3.13,python3.13-venv,ca-certificates,tzdata,netbase"


def archive() -> Path:
    """Where the base is kept as a tar, in the user's cache folder, once it is made."""
    return Path(workspace.cache()) / "bench" / "trixie-python3.13.tar"


def make() -> Path:
    """Return a tar of Debian trixie with Python 3.13, made once from the machine's own mirror.

    Leaner than python:3.13-slim (no pip, no documentation), which favours the peers.
    """
    tar = archive()
    if tar.exists():
        return tar
    tar.parent.mkdir(parents=True, exist_ok=True)
    root = tar.parent / "root"
    shutil.rmtree(root, ignore_errors=True)
    drop = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")]
    run(
        [
            "mmdebstrap", "--variant=minbase", f"--include={_PACKAGES}", *drop,
            *_apt_options(), "trixie", root, _source(),
        ]
    )  # fmt: skip
    for folder in (
        root / "var/lib/apt/lists",
        root / "var/cache/apt",
        *root.rglob("__pycache__"),
    ):
        shutil.rmtree(folder, ignore_errors=True)
    # Their only use would be a name of the machine's mirror in the image.
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    for name in ("python3.13", "python3", "python"):
        (root / "usr/local/bin" / name).symlink_to("/usr/bin/python3.13")
    partial = tar.with_suffix(".partial")
    run(["tar", "--directory", root, "--create", "--file", partial, "."])
    shutil.rmtree(root)
    partial.rename(tar)
    return tar


def _source() -> str:
    """The machine's Debian mirror, as a line of sources.list(5)."""
    source = sources.debian()
    keyring = source.options.get("Signed-By", "")
    # A key given in place goes into no line: then apt's own keyring has to do.
    options = f"[signed-by={keyring}] " if keyring.startswith("/") else ""
    return f"deb {options}{source.address} trixie main"


def _apt_options() -> list[str]:
    """The machine's own settings for how apt acquires files."""
    dump = run(["apt-config", "dump", "--no-empty", "Acquire"])
    keep = ("Acquire::Check-", "Acquire::http", "Acquire::https")
    return [f"--aptopt={line}" for line in dump.splitlines() if line.startswith(keep)]
