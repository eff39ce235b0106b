"""SHA-256 of the files that uv locks without: a folder or a page of links gives uv none."""

import hashlib
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from uv.private.lock_form import LockedFile, with_sha256, without_sha256
from uv.private.pinned_uv import UvError, run


def complete(uv: str, folder: Path, lock: str, env: Mapping[str, str]) -> str:
    """The lock of the project in the folder, with a SHA-256 for each file that can be had.

    uv itself downloads what isn't a file here, with the user's settings and credentials.
    """
    files = without_sha256(lock)
    found: dict[LockedFile, str] = {}
    remote = [file for file in files if "://" in file.place]
    if remote:
        print(f"Downloading {len(remote)} files: their index gives no sha256.", file=sys.stderr)
    python = re.search(r'^requires-python = "[^"\d]*(\d+\.\d+)', lock, re.MULTILINE)
    for file in files:
        if file in remote:
            digest = _downloaded(uv, folder, file, python[1] if python else None, env)
        else:
            digest = _local(folder / file.registry / file.place)
        if digest:
            found[file] = digest
    return with_sha256(lock, found)


def _local(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _downloaded(
    uv: str, folder: Path, file: LockedFile, python: str | None, env: Mapping[str, str]
) -> str | None:
    with tempfile.TemporaryDirectory() as temporary:
        requirements = Path(temporary, "requirements.in")
        requirements.write_text(f"{file.distribution} @ {file.place}\n", "utf-8")
        arguments = ["--generate-hashes", "--no-deps", "--universal", "--no-header"]
        arguments += [f"--python-version={python}"] if python else []
        try:
            said, _ = run(
                uv,
                folder,
                "pip",
                "compile",
                str(requirements),
                *arguments,
                env={**env, "UV_PYTHON_DOWNLOADS": "never"},
            )
        except UvError as error:
            print(f"{file.distribution}: no sha256 of a file: {error}.", file=sys.stderr)
            return None
    digest = re.search(r"--hash=sha256:([0-9a-f]{64})", said)
    return digest[1] if digest else None
