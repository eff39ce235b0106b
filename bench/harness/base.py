"""The base image of the peers: python:3.13-slim, or what comes nearest where Docker Hub is out of reach."""

import os
import shutil
import subprocess
from pathlib import Path

from harness.measure import run

NAME = "bench-base:latest"

_PACKAGES = "python3.13,python3.13-venv,ca-certificates,tzdata,netbase"


def lookalike(cache: Path) -> Path:
    """Return a tar of Debian trixie with Python 3.13, made once with mmdebstrap from the machine's own mirror.

    Leaner than python:3.13-slim (no pip, no documentation), which favours the peers.
    """
    tar = cache / "trixie-python3.13.tar"
    if tar.exists():
        return tar
    cache.mkdir(parents=True, exist_ok=True)
    root = cache / "root"
    shutil.rmtree(root, ignore_errors=True)
    drop = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")]
    run(
        [
            "mmdebstrap", "--variant=minbase", f"--include={_PACKAGES}", *drop,
            *_apt_options(), "trixie", root, f"deb {_mirror()} trixie main",
        ]
    )  # fmt: skip
    for folder in (root / "var/lib/apt/lists", root / "var/cache/apt", *root.rglob("__pycache__")):
        shutil.rmtree(folder, ignore_errors=True)
    for name in ("python3.13", "python3", "python"):
        (root / "usr/local/bin" / name).symlink_to("/usr/bin/python3.13")
    partial = tar.with_suffix(".partial")
    run(["tar", "--directory", root, "--create", "--file", partial, "."])
    shutil.rmtree(root)
    partial.rename(tar)
    return tar


def _mirror() -> str:
    """Return the Debian mirror that this machine's apt is configured for."""
    if mirror := os.environ.get("FASTAPI_IMAGE_DEBIAN_MIRROR"):
        return mirror
    lines = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)|$(REPO_URI)", "Created-By: Packages"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    for line in lines:
        uri = line.split("|")[1].rstrip("/")
        if uri.endswith("/debian"):
            return uri
    raise SystemExit("bench: apt is not configured for a Debian mirror: set FASTAPI_IMAGE_DEBIAN_MIRROR")


def _apt_options() -> list[str]:
    """Return the machine's own settings for how apt acquires files."""
    dump = run(["apt-config", "dump", "--no-empty", "Acquire"])
    keep = ("Acquire::Check-", "Acquire::http", "Acquire::https")
    return [f"--aptopt={line}" for line in dump.splitlines() if line.startswith(keep)]
