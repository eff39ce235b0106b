"""Lock pyproject.toml with the pinned uv, where it lies: `bazel run //:lock`.

    bazel run //:lock                            what pyproject.toml asks for; other pins stay
    bazel run //:lock -- --upgrade               everything anew
    bazel run //:lock -- --upgrade-package NAME  this distribution anew (may be repeated)

uv runs in the workspace itself, so that it sees what `uv lock` sees: members, path sources, the
files that a version or a readme comes from, uv.toml, .python-version. Only the lock changes, and
only when all has gone well.

A lock has one of two forms. The plain one is what `uv lock` writes. The portable one names
versions, file names and SHA-256, and no address: where wheels come from is what the machine's uv is
configured for, and uv itself reads it as a lock against a folder of wheels.
"""

import argparse
import contextlib
import fcntl
import os
import re
import shutil
import signal
import sys
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType

from uv.private.pinned_uv import ADDRESS, UvError, environment, run

# The folder of wheels that the portable form names. It need not exist.
WHEELHOUSE = "wheelhouse"

# uv writes each of these on a line of its own or as one inline table, always in this order.
_REGISTRY = re.compile(r'^source = \{ registry = "[^"]*" \}$', re.MULTILINE)
_FILE = re.compile(r'\{ (?:url|path) = "([^"]*)", hash = "(sha256:[0-9a-f]{64})"[^{}]*\}')


class LockError(Exception):
    """The lock can't be written; the message is for the user."""


def portable(lock: str) -> str:
    """The lock without addresses, from what `uv lock` writes; LockError if it needs one."""
    lock = _REGISTRY.sub(f'source = {{ registry = "{WHEELHOUSE}" }}', lock)
    lock = _FILE.sub(lambda file: f'{{ path = "{_file_name(file[1])}", hash = "{file[2]}" }}', lock)
    if ADDRESS.search(lock):
        names = [
            re.search(r'^name = "([^"]*)"', package, re.MULTILINE)
            for package in lock.split("[[package]]")
            if ADDRESS.search(package)
        ]
        named = ", ".join(name[1] for name in names if name) or "pyproject.toml"
        raise LockError(
            f"{named}: comes from an address of its own (Git, a URL or a named index), or without "
            "a sha256. A portable lock holds distributions of the machine's package index only: "
            "leave out `portable = True`."
        )
    return lock


def is_portable(lock: str) -> bool:
    """Whether this is a lock in the portable form."""
    return f'\nsource = {{ registry = "{WHEELHOUSE}" }}\n' in lock


def _file_name(address: str) -> str:
    return urllib.parse.unquote(urllib.parse.urlsplit(address).path.rpartition("/")[2])


def lock(uv: str, folder: Path, arguments: list[str], env: Mapping[str, str]) -> str:
    """`uv lock` on the project in the folder; returns what uv said, UvError when it failed.

    On the Python that uv finds for the project; without one, on this Python. Where that does not
    fit either, uv may download one, if the user's settings let it.
    """
    try:
        return run(uv, folder, "lock", *arguments, env={**env, "UV_PYTHON_DOWNLOADS": "never"})[1]
    except UvError as error:
        if not error.lacks_python:
            raise
    try:
        return run(uv, folder, "lock", f"--python={sys.executable}", *arguments, env=env)[1]
    except UvError as error:
        if not error.lacks_python:
            raise
    return run(uv, folder, "lock", *arguments, env=env)[1]


def check(uv: str, folder: Path, env: Mapping[str, str]) -> None:
    """UvError unless the portable lock in the folder fits its project. Needs no index."""
    wheelhouse = folder / WHEELHOUSE
    made = not wheelhouse.exists()
    wheelhouse.mkdir(exist_ok=True)
    try:
        lock(
            uv,
            folder,
            ["--check", "--offline", "--no-index", f"--find-links={WHEELHOUSE}"],
            {name: value for name, value in env.items() if name != "UV_FIND_LINKS"},
        )
    finally:
        if made:
            with contextlib.suppress(OSError):  # somebody has filled it
                wheelhouse.rmdir()


def root_of(uv: str, folder: Path, env: Mapping[str, str]) -> Path:
    """The folder in which uv keeps the lock of this project: that of its workspace."""
    try:
        return Path(run(uv, folder, "workspace", "dir", env=env)[0].strip())
    except UvError as error:
        if "No `project` table found" in str(error):  # dependency groups alone
            return folder
        raise LockError(f"{error}.") from None


def pins(lock: str) -> str:
    """A lock that holds what can still be read of one that uv can't read: the versions."""
    package = (
        r'^name = "([A-Za-z0-9._-]+)"\nversion = "([A-Za-z0-9.!+_-]+)"\n'
        r'(source = \{ (?:registry|git) = "[^"\n]*" \})$'
    )
    found = dict.fromkeys(re.findall(package, lock, re.MULTILINE))
    return 'version = 1\nrequires-python = ">=3.8"\n' + "".join(
        f'\n[[package]]\nname = "{name}"\nversion = "{version}"\n{source}\n'
        for name, version, source in found
    )


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


@contextlib.contextmanager
def _kept_unless_done(path: Path) -> Iterator[None]:
    """Whatever fails inside: the file is then what it was, and that needs no room on the disk."""
    before = path.with_name(f".{path.name}.before")
    existed = path.exists()
    try:
        if existed:
            before.unlink(missing_ok=True)
            try:
                os.link(path, before)
            except PermissionError:  # a file system without hard links
                shutil.copy2(path, before)
        yield
    except BaseException:
        if not existed:
            path.unlink(missing_ok=True)
        elif before.exists():
            before.replace(path)
        raise
    else:
        if existed and path.read_bytes() == before.read_bytes():
            before.replace(path)
    finally:
        before.unlink(missing_ok=True)  # to rename one link of a file to another does nothing


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """LockError while another process of ours is at work on this workspace."""
    with (root / "pyproject.toml").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockError(
                "Another `bazel run //:lock` is at work on it. Run this again when that has ended."
            ) from None
        yield


def _resolve(uv: str, folder: Path, path: Path, upgrades: list[str], form: str) -> str:
    """Lock in place, in this form; returns what uv said. On failure the lock may be anything."""
    env = environment(os.environ)
    old = path.read_bytes().decode("utf-8", "replace") if path.exists() else ""
    if form == "keep":
        form = "portable" if is_portable(old) else "plain"
    if form == "portable" and is_portable(old) and not upgrades:
        # uv leaves a lock that fits alone, but here it would ask for an index that isn't there.
        with contextlib.suppress(UvError):
            check(uv, folder, env)
            return ""
    try:
        said = lock(uv, folder, upgrades, env)
    except UvError as error:
        # Not TOML, a merge conflict, of a newer format: uv can't say what is in it.
        unreadable = r"Failed to parse `uv\.lock`|The lockfile at|uv\.lock`: stream did not contain"
        if not re.search(unreadable, str(error)):
            raise
        print("uv.lock can't be read: keeping the versions found in it.", file=sys.stderr)
        write(path, pins(old))
        said = lock(uv, folder, upgrades, env)
    if form == "portable":
        plain = path.read_text("utf-8")
        if (converted := portable(plain)) != plain:
            write(path, converted)
            check(uv, folder, env)
    return said


def relock(uv: str, folder: Path, upgrades: list[str], form: str) -> tuple[str, bool]:
    """Lock the project in the folder; returns what uv said, and whether the lock has changed.

    `form` is `plain`, `portable` or, to keep the one that the lock has, `keep`; a new lock is
    plain. LockError, UvError or OSError: the lock is what it was before.
    """
    if not (folder / "pyproject.toml").exists():
        raise LockError(f"There is no {folder / 'pyproject.toml'}.")
    root = root_of(uv, folder, environment(os.environ))
    if not root.samefile(folder):
        raise LockError(
            f"{folder / 'pyproject.toml'} belongs to the workspace of {root / 'pyproject.toml'}, "
            "and uv keeps one lock for all of it. Call uv_lock() in that folder."
        )
    path = (folder / "uv.lock").resolve()
    if path.exists() and not path.stat().st_mode & 0o222:
        raise LockError("It is read-only. Run `chmod u+w uv.lock`.")
    with _alone(root), _kept_unless_done(path):
        before = path.read_bytes() if path.exists() else None
        said = _resolve(uv, folder, path, upgrades, form)
        return said, path.read_bytes() != before


def _interrupted(number: int, frame: FrameType | None) -> None:
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)  # the old lock is put back, and then this ends
    raise SystemExit(128 + number)


def main() -> None:
    """Command line: see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="bazel run //:lock --", description="Lock pyproject.toml with uv."
    )
    parser.add_argument("--uv", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--folder", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--form", default="keep", help=argparse.SUPPRESS)
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
    upgrades = ["--upgrade"] * arguments.upgrade
    upgrades += [f"--upgrade-package={name}" for name in arguments.upgrade_package]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    name = str(Path(arguments.folder, "uv.lock"))
    uv = str(Path(arguments.uv).absolute())
    try:
        said, changed = relock(uv, workspace / arguments.folder, upgrades, arguments.form)
    except SystemExit:
        print(f"{name} stays as it is: interrupted.", file=sys.stderr)
        raise
    except OSError as error:
        sys.exit(f"{name} stays as it is. {error.strerror}: {error.filename}.")
    except (LockError, UvError) as error:
        sys.exit(f"{name} stays as it is. {str(error).rstrip('.')}.")
    print(said + f"{name} is {'written' if changed else 'unchanged'}.", file=sys.stderr)


if __name__ == "__main__":
    main()
