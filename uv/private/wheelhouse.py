"""Fill the folder that a portable lock names with the locked wheels: `bazel run //:wheelhouse`.

Bazel has downloaded them by their SHA-256 from the machine's index. Afterwards plain
`uv sync --frozen --offline` works here, and wherever pyproject.toml, uv.lock and the folder are
copied. What the folder holds already stays.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import NoReturn

from uv.private.lock_form import WHEELHOUSE, is_portable


class WheelError(Exception):
    """A file isn't the one that the lock pins; the message is for the user."""


def fill(folder: Path, entries: list[dict[str, str | None]], runfiles: Path) -> list[str]:
    """Copy what is missing or damaged, each file in one step; returns the names of what was.

    `entries` are those of `locked_wheels`. WheelError, OSError: what was copied before is whole.
    """
    folder.mkdir(exist_ok=True)
    copied = []
    for entry in entries:
        name, digest = str(entry["file"]), entry["sha256"]
        if entry["path"] is None or _sha256(folder / name) == digest:
            continue
        descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".")
        try:
            with (
                open(descriptor, "wb") as target,  # noqa: PTH123 - a descriptor
                (runfiles / entry["path"]).open("rb") as source,
            ):
                shutil.copyfileobj(source, target, 1 << 20)
            if _sha256(Path(temporary)) != digest:
                raise WheelError(f"{name} is not the file that uv.lock pins by sha256")
            Path(temporary).chmod(0o644)
            Path(temporary).replace(folder / name)
        finally:
            Path(temporary).unlink(missing_ok=True)
        copied.append(name)
    return copied


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def main() -> None:
    """Command line: see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="bazel run //:wheelhouse", description="Fill the folder that a portable lock names."
    )
    parser.add_argument("--list", required=True, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--folder", required=True, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    workspace = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", ""))
    if not workspace.is_absolute():
        sys.exit("Start this by `bazel run //:wheelhouse`.")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    project = workspace / arguments.folder
    folder = project / WHEELHOUSE
    entries = json.loads(arguments.list.read_text("utf-8"))
    try:
        copied = fill(folder, entries, Path())
        lock = (project / "uv.lock").read_text("utf-8")
    except WheelError as error:
        sys.exit(f"{error}. Run `bazel clean --expunge`, then this again.")
    except OSError as error:
        sys.exit(f"{folder} is not complete. {error.strerror}: {error.filename}.")
    held = [entry["file"] for entry in entries if entry["path"]]
    sources = [entry["file"] for entry in entries if not entry["path"]]
    print(f"{folder} holds {len(held)} wheels of uv.lock, {len(copied)} of them new.")
    if sources:
        print(f"Locked as sources alone, which uv has to build: {', '.join(sources)}.")
    if not is_portable(lock):
        print("uv.lock names addresses, so uv asks these: `uv_lock(portable = True)` changes that.")


if __name__ == "__main__":
    main()
