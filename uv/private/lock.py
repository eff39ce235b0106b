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
import errno
import fcntl
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType

from uv.private.lock_form import (
    WHEELHOUSE,
    FormError,
    is_portable,
    pins,
    portable,
    without_sha256,
)
from uv.private.lock_hashes import complete
from uv.private.pinned_uv import DISK_FULL, UvError, environment, run

# uv's words for a lock that it can't read.
UNREADABLE = (
    r"Failed to parse `uv\.lock`|The lockfile at `uv\.lock` uses|uv\.lock`: stream did not contain"
)


class LockError(Exception):
    """The lock can't be written; the message is for the user."""


def lock(uv: str, folder: Path, arguments: list[str], env: Mapping[str, str]) -> str:
    """`uv lock` on the project in the folder; returns what uv said; LockError, UvError.

    On the Python that uv finds for the project; without one, on this Python. Where that does not
    fit either, uv may download one, if the user's settings let it.
    """
    try:
        return run(uv, folder, "lock", *arguments, env={**env, "UV_PYTHON_DOWNLOADS": "never"})[1]
    except UvError as error:
        if not error.lacks_python:
            raise
    try:
        said = run(uv, folder, "lock", f"--python={sys.executable}", *arguments, env=env)[1]
    except UvError as error:
        if not error.lacks_python:
            raise
    else:
        if "No `requires-python` value found" in said:  # then it would be this Python's
            raise LockError(
                "Nothing says requires-python, and the Python that .python-version names is not "
                "here. Write requires-python into pyproject.toml."
            )
        return said
    return run(uv, folder, "lock", *arguments, env=env)[1]


def check(uv: str, folder: Path, env: Mapping[str, str], *, portable: bool) -> None:
    """UvError unless the lock in the folder fits its project. A portable one needs no index."""
    if not portable:
        lock(uv, folder, ["--check"], env)
        return
    wheelhouse = folder / WHEELHOUSE
    made = not wheelhouse.exists()
    wheelhouse.mkdir(exist_ok=True)
    arguments = ["--check", "--offline", "--no-index", f"--find-links={WHEELHOUSE}"]
    try:
        lock(uv, folder, arguments, {k: v for k, v in env.items() if k != "UV_FIND_LINKS"})
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
    kept = False
    try:
        if existed:
            before.unlink(missing_ok=True)
            try:
                os.link(path, before)
            except PermissionError:  # a file system without hard links
                shutil.copy2(path, before)
        kept = existed
        yield
    except BaseException:
        if kept:
            before.replace(path)
        elif not existed:
            path.unlink(missing_ok=True)
        raise
    else:
        if kept and path.read_bytes() == before.read_bytes():
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
        except OSError:  # a file system without locks
            pass
        yield


def _resolve(uv: str, folder: Path, path: Path, upgrades: list[str], form: str) -> str:
    """Lock in place, in this form; returns what uv said. On failure the lock may be anything."""
    env = environment(os.environ)
    old = path.read_text("utf-8", errors="replace") if path.exists() else ""
    if form == "keep":
        form = "portable" if is_portable(old) else "plain"
    if form == "portable" and is_portable(old) and not upgrades and not without_sha256(old):
        # uv leaves a lock that fits alone, but here it would ask for an index that isn't there.
        with contextlib.suppress(UvError):
            check(uv, folder, env, portable=True)
            return ""
    try:
        said = lock(uv, folder, upgrades, env)
    except UvError as error:
        # Not TOML, a merge conflict, of a newer format: uv can't say what is in it.
        if not re.search(UNREADABLE, str(error)):
            raise
        print("uv.lock can't be read: keeping the versions found in it.", file=sys.stderr)
        write(path, pins(old))
        said = lock(uv, folder, upgrades, env)
    written = path.read_text("utf-8")
    result = complete(uv, folder, written, env)
    if form == "portable":
        result = portable(result)
    if result != written:
        write(path, result)
        check(uv, folder, env, portable=form == "portable")
    return said


def relock(uv: str, folder: Path, upgrades: list[str], form: str) -> tuple[str, bool]:
    """Lock the project in the folder; returns what uv said, and whether the lock has changed.

    `form` is `plain`, `portable` or, to keep the one that the lock has, `keep`; a new lock is
    plain. LockError, FormError, UvError or OSError: the lock is what it was before.
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
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = DISK_FULL if full else f"{error.strerror}: {error.filename}"
        sys.exit(f"{name} stays as it is. {reason}.")
    except (FormError, LockError, UvError) as error:
        sys.exit(f"{name} stays as it is. {str(error).rstrip('.')}.")
    print(said + f"{name} is {'written' if changed else 'unchanged'}.", file=sys.stderr)


if __name__ == "__main__":
    main()
