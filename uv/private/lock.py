"""Resolve pyproject.toml with uv and write uv.lock in the portable form: `bazel run //:lock`.

    bazel run //:lock                            what pyproject.toml asks for; other pins stay
    bazel run //:lock -- --upgrade               everything anew
    bazel run //:lock -- --upgrade-package NAME  this distribution anew (may be repeated)

The portable form names versions, file names and SHA-256, and no address: where wheels come from is
what the machine's uv is configured for. uv reads it as a lock against a folder of wheels.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

# The folder of wheels that the portable form names. It need not exist.
WHEELHOUSE = "wheelhouse"

# uv writes each of these on a line of its own or as one inline table, always in this order.
_REGISTRY = re.compile(r'^source = \{ registry = "[^"]*" \}$', re.MULTILINE)
_FILE = re.compile(r'\{ (?:url|path) = "([^"]*)", hash = "(sha256:[0-9a-f]{64})"[^{}]*\}')
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s`'\")]*")


class LockError(Exception):
    """The lock can't be written; the message is for the user."""


def portable(lock: str) -> str:
    """The lock without addresses, from what `uv lock` writes; LockError if it needs one."""
    lock = _REGISTRY.sub(f'source = {{ registry = "{WHEELHOUSE}" }}', lock)
    lock = _FILE.sub(lambda file: f'{{ path = "{_file_name(file[1])}", hash = "{file[2]}" }}', lock)
    if _ADDRESS.search(lock):
        names = [
            re.search(r'^name = "([^"]*)"', package, re.MULTILINE)
            for package in lock.split("[[package]]")
            if _ADDRESS.search(package)
        ]
        named = ", ".join(name[1] for name in names if name) or "pyproject.toml"
        raise LockError(
            f"{named}: comes from an address of its own (Git, a URL or a named index), or without "
            "a sha256. A portable lock holds distributions of the machine's package index only."
        )
    return lock


def _file_name(address: str) -> str:
    return urllib.parse.unquote(urllib.parse.urlsplit(address).path.rpartition("/")[2])


def _uv(uv: str, folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Run uv on the project in the folder; returns what it said, LockError when it failed."""
    done = subprocess.run(  # noqa: S603 - the pinned uv, and no shell
        [uv, *arguments, f"--python={sys.executable}", "--color=never", "--no-progress"],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    said = re.sub(r"^Using CPython .*\n", "", _ADDRESS.sub("<address>", done.stderr))
    if done.returncode and re.search(r"Failed to (build|generate package metadata for) `", said):
        # uv would have a build backend, which isn't here, tell it what it could not read itself.
        raise LockError(
            "pyproject.toml has a requirement that is none (PEP 508), or declares its dependencies "
            "dynamic. Mend it."
        )
    if done.returncode:
        # uv warns of a file that it can't parse before it fails because of that.
        said = re.sub(r"^warning: Failed to parse .*?^(?=error: )", "", said, flags=re.M | re.S)
        raise LockError(said.strip().removeprefix("error: "))
    return said


def resolve(uv: str, pyproject: str, lock: str | None, upgrades: list[str]) -> tuple[str, str]:
    """The portable lock for this pyproject.toml, and what uv said about it.

    `lock` gives the pins to keep, in either form; None resolves from scratch.
    """
    with tempfile.TemporaryDirectory() as temporary:
        project = Path(temporary, "project")
        project.mkdir()
        (project / "pyproject.toml").write_text(pyproject)
        if lock is not None:
            (project / "uv.lock").write_text(lock)
        said = _uv(uv, project, "lock", *upgrades)
        result = portable((project / "uv.lock").read_text())
        (project / "uv.lock").write_text(result)
        check(uv, project)
    return result, said


def check(uv: str, project: Path) -> None:
    """LockError unless the folder's portable lock fits its pyproject.toml. Needs no network."""
    (project / WHEELHOUSE).mkdir(exist_ok=True)
    # Nothing of the user's settings: a configured index is not what the lock was resolved against.
    env = {
        "HOME": str(project / WHEELHOUSE),
        "XDG_CONFIG_DIRS": str(project / WHEELHOUSE),
        "PATH": os.defpath,
    }
    _uv(
        uv,
        project,
        "lock",
        "--check",
        "--offline",
        "--no-index",
        f"--find-links={WHEELHOUSE}",
        env=env,
    )


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise LockError(f"There is no {path}.") from None
    except UnicodeDecodeError as error:
        raise LockError(f"{path} is not UTF-8: byte {error.start} is wrong.") from None


def write(path: Path, content: str) -> None:
    """Replace the file in one step, so that it is never half-written."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
            file.write(content)
        if path.exists():
            shutil.copymode(path, temporary)
        else:
            Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def main() -> None:
    """Command line: see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="bazel run //:lock --", description="Lock pyproject.toml with uv."
    )
    parser.add_argument("--uv", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--lock", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--pyproject", required=True, help=argparse.SUPPRESS)
    parser.add_argument("-U", "--upgrade", action="store_true", help="resolve everything anew")
    parser.add_argument(
        "-P",
        "--upgrade-package",
        action="append",
        default=[],
        metavar="NAME",
        help="resolve NAME anew",
    )
    arguments = parser.parse_args()
    workspace = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", ""))
    if not workspace.is_absolute():
        sys.exit("Start this by `bazel run //:lock`.")
    path = workspace / arguments.lock
    upgrades = ["--upgrade"] * arguments.upgrade
    upgrades += [f"--upgrade-package={name}" for name in arguments.upgrade_package]
    uv = str(Path(arguments.uv).absolute())
    try:
        pyproject = _read(workspace / arguments.pyproject)
        # What is no text is no lock: uv is to say so, which it does of an empty one too.
        old = path.read_text("utf-8", errors="replace") if path.exists() else None
        try:
            new, said = resolve(uv, pyproject, old, upgrades)
        except LockError as error:
            # A lock that is none, or of a newer format, has no pins that could be kept.
            if not re.match(r"Failed to parse `uv\.lock`|The lockfile at", str(error)):
                raise
            print(f"{arguments.lock} can't be read: resolving from scratch.", file=sys.stderr)
            new, said = resolve(uv, pyproject, None, [])
        if new != old:
            write(path, new)
    except (LockError, OSError) as error:
        sys.exit(f"{arguments.lock} stays as it is. {error}")
    print(said.strip(), file=sys.stderr)
    print(f"{arguments.lock} {'is unchanged' if new == old else 'is written'}.", file=sys.stderr)


if __name__ == "__main__":
    main()
