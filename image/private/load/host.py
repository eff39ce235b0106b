"""The machine's own programs, also from within mirror mode's private root file system.

There `bazel run` sees the machine's files at their places, sockets included, but not its programs
under /usr. Root can step back into the mount namespace of whoever started Bazel; an ordinary user
can't (user_namespaces(7)).
"""

import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# tools/frontdoor/namespace.py makes it; it exists inside only.
_INSIDE = "/.fastapi_image"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@functools.cache
def _outside() -> int | None:
    """The nearest parent process in another mount namespace; None if there is none to step into."""
    if not Path(_INSIDE).exists():
        return None
    try:
        ours = Path("/proc/self/ns/mnt").readlink()
        process = os.getppid()
        while process > 0:
            if Path(f"/proc/{process}/ns/mnt").readlink() != ours:
                return process
            status = Path(f"/proc/{process}/stat").read_text(errors="replace")
            process = int(status.rpartition(")")[2].split()[1])
    except OSError:
        pass
    return None


def find(program: str) -> str | None:
    """Path of a program, for `run`; None if there is none that can be started from here."""
    if (outside := _outside()) is None:
        return shutil.which(program)
    for folder in _PATH.split(":"):
        try:
            if os.access(f"/proc/{outside}/root{folder}/{program}", os.X_OK):
                return f"{folder}/{program}"
        except OSError:
            break
    return None


def _step_out(outside: int, folder: Path) -> Callable[[], None]:
    namespace = os.open(f"/proc/{outside}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    root = os.open(f"/proc/{outside}/root", os.O_RDONLY | os.O_CLOEXEC)

    def step() -> None:
        os.setns(namespace, os.CLONE_NEWNS)
        # That process's own root, which in a chroot is not its namespace's.
        os.fchdir(root)
        os.chroot(".")
        os.chdir(folder)

    return step


def run(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
    """`subprocess.run`, with the output captured, of a program that `find` found."""
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    return subprocess.run(_found(command), check=False, **_outside_options(), **options)  # noqa: S603


def start(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """`subprocess.Popen` of a program that `find` found."""
    return subprocess.Popen(_found(command), **_outside_options(), **options)  # noqa: S603


def become(command: Sequence[str]) -> None:
    """Replaces this process by a program that `find` found."""
    path, *arguments = _found(command)
    if (outside := _outside()) is not None:
        _step_out(outside, Path.cwd())()
    os.execv(path, [command[0], *arguments])  # noqa: S606


def _found(command: Sequence[str]) -> list[str]:
    return [find(command[0]) or command[0], *command[1:]]


def _outside_options() -> dict[str, Any]:
    if (outside := _outside()) is None:
        return {}
    return {"preexec_fn": _step_out(outside, Path.cwd())}
