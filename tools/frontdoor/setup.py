"""Makes mirror mode's root file system: once, by one process at a time, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from . import namespace, recipe, rootfs, sources
from .apt import Apt
from .problem import DiskFull, Problem, say
from .progress import Progress, megabytes
from .unpack import Unpacker

_TEMPORARY = "tmp-"
_TOOLS = ("apt-get", "apt-config", "dpkg-deb", "tar")


def make(cache: str, checkout: str) -> rootfs.Root:
    """Makes the root file system of the present recipe, or waits for another run that does.

    Raises:
      Problem: it can't be made on this machine, now; nothing half-made is left.
    """
    check_machine()
    namespace.check()
    try:
        os.makedirs(cache, mode=0o700, exist_ok=True)
    except OSError as error:
        raise Problem(
            f"the cache folder {cache} can't be made ({error.strerror}): set XDG_CACHE_HOME"
        ) from error
    check_writable(cache)
    with _locked(os.path.join(cache, "lock")) as lock:
        found = rootfs.find(cache)
        if found:
            return found
        # As Ctrl-C does: clean up, then end.
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        # Whoever made these is gone: the lock was free. The last has its final name and no whole
        # record, so something has damaged it.
        left = [name for name in os.listdir(cache) if name.startswith(_TEMPORARY)]
        for name in (*left, recipe.key()):
            remove(os.path.join(cache, name))
        check_space(cache)
        return _make(cache, checkout, lock)


def _make(cache: str, checkout: str, lock: int) -> rootfs.Root:
    progress = Progress()
    final = os.path.join(cache, recipe.key())
    fetching = os.path.join(cache, "fetching")
    say(f"setting up mirror mode, once: Bazel and its tools from Debian {recipe.SUITE} in {final}")
    folder = os.path.join(cache, f"{_TEMPORARY}{os.getpid()}")
    try:
        apt = Apt(_made(fetching), sources.debian(), lock, progress)
        apt.update()
        tree = _made(os.path.join(folder, "tree"))
        _made(os.path.join(folder, "mount"))
        _fill(tree, apt, lock, progress)
        progress.update("finishing")
        _configure(tree)
        _compile(tree)
        record = {
            "bazel": _bazel_version(tree),
            "made": f"{time.time():.0f}-{os.getpid()}",
            "took": f"{progress.seconds():.0f}",
        }
        rootfs.write_record(folder, record)
        # The name must not reach the disk before the files do.
        subprocess.run(["sync", "--file-system", folder], check=False)
        os.rename(folder, final)
    except BaseException as error:
        progress.clear()
        remove(folder)
        if _is_full(error):
            remove(fetching)
        raise
    remove(fetching)
    progress.done(f"mirror mode is set up: Bazel {record['bazel']}")
    wanted = wanted_bazel(checkout)
    if wanted != record["bazel"]:
        say(f"Debian {recipe.SUITE} has Bazel {record['bazel']}, .bazelversion says {wanted}")
    return rootfs.Root(final, record)


def _fill(tree: str, apt: Apt, lock: int, progress: Progress) -> None:
    sizes = apt.plan()
    total = sum(sizes.values())
    progress.done(f"{len(sizes)} packages, {megabytes(total)} to fetch")
    # The one package that says where /bin, /lib and so on lead comes before all that use them.
    waiting = dict(sizes)
    base = next(name for name in sizes if name.startswith("base-files_"))
    download = apt.download()
    unpacker = Unpacker(tree, lock)
    try:
        while waiting or unpacker.done() < len(sizes):
            ended = download.poll() is not None
            there = {entry.name for entry in os.scandir(apt.packages)}
            for name in [base] if base in waiting else list(waiting):
                if name in there:
                    unpacker.add(os.path.join(apt.packages, name))
                    del waiting[name]
                    if name == base:
                        unpacker.finish()
            if ended and waiting and not there.intersection(waiting):
                apt.finish(download)
                raise Problem(f"apt did not fetch {next(iter(waiting))}: run again")
            fetched = min(apt.fetched(), total)
            progress.update(
                f"fetched {megabytes(fetched)} of {megabytes(total)},"
                f" unpacked {unpacker.done()} of {len(sizes)} packages"
            )
            time.sleep(0.1)
        apt.finish(download)
    finally:
        if download.poll() is None:
            download.terminate()
            download.wait()
        unpacker.close()


def _configure(tree: str) -> None:
    """What the packages' own scripts would do, as far as Bazel needs it."""
    for name, target in recipe.LINKS.items():
        with contextlib.suppress(FileExistsError):
            os.symlink(target, os.path.join(tree, name))
    certificates = os.path.join(tree, "usr/share/ca-certificates/mozilla")
    os.makedirs(os.path.join(tree, "etc/ssl/certs"), exist_ok=True)
    with open(os.path.join(tree, "etc/ssl/certs/ca-certificates.crt"), "w") as bundle:
        for name in sorted(os.listdir(certificates)):
            bundle.write(_text(os.path.join(certificates, name)) + "\n")


def _compile(tree: str) -> None:
    """Makes bytecode of Python's own modules and pip's, on as many CPUs as there are folders.

    Inside, where /usr is read-only, Python can't keep any, and would compile at every start.
    """
    python = "/usr/bin/python3"
    if not os.path.exists(tree + python):
        return
    library = f"/usr/lib/{os.readlink(tree + python)}"
    packages = [entry.name for entry in os.scandir(tree + library) if entry.is_dir()]
    # Nothing in there ever changes, so that no start has to compare a source's time.
    compiler = [python, "-I", "-S", "-m", "compileall", "-q", "--invalidation-mode=unchecked-hash"]
    children = [
        namespace.start_alone(tree, [*compiler, *folders])
        for folders in (
            ["-l", library],
            [f"{library}/{name}" for name in packages],
            ["/usr/lib/python3/dist-packages"],
        )
    ]
    try:
        while children:
            os.waitpid(children[-1], 0)
            children.pop()
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)


def _bazel_version(tree: str) -> str:
    # The label that Debian's package carries; `bazel --version` prints the same.
    return _text(os.path.join(tree, "usr/share/bazel/build-label.txt"))


def wanted_bazel(checkout: str) -> str:
    """The version in the checkout's .bazelversion."""
    path = os.path.join(checkout, ".bazelversion")
    try:
        return _text(path)
    except OSError as error:
        raise Problem(
            f"{path} can't be read ({error.strerror}): restore it, git checkout .bazelversion"
        ) from error


def check_machine() -> None:
    """Raises the Problem of a machine on which mirror mode can't work at all."""
    machine = os.uname().machine
    if machine not in recipe.ARCHITECTURES:
        raise Problem(
            f"mirror mode has no Bazel for this CPU ({machine}; there is one for"
            f" {' and '.join(recipe.ARCHITECTURES)}): build on one of those"
        )
    missing = [tool for tool in _TOOLS if not shutil.which(tool)]
    if missing:
        raise Problem(
            f"mirror mode fetches Bazel with apt, and this machine has no {', '.join(missing)}:"
            " use a Debian machine, or hub mode (tools/bazel --mode=hub)"
        )


def check_writable(cache: str) -> None:
    """Raises a Problem where the cache folder is another user's, or on a read-only disk."""
    if os.path.isdir(cache) and not os.access(cache, os.W_OK | os.X_OK):
        raise Problem(
            f"the cache folder {cache} can't be written: make it yours again, or set XDG_CACHE_HOME"
        )


def check_space(cache: str) -> None:
    """Raises a Problem where a set-up would fill the disk."""
    there = cache
    while not os.path.isdir(there):
        there = os.path.dirname(there)
    free = shutil.disk_usage(there).free
    if free < recipe.BYTES_NEEDED:
        raise DiskFull(
            f"mirror mode needs {megabytes(recipe.BYTES_NEEDED)} in {cache}, and"
            f" {megabytes(free)} are free: free some space, or set XDG_CACHE_HOME to a roomier disk"
        )


@contextlib.contextmanager
def _locked(path: str) -> Iterator[int]:
    lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run is at work on the set-up of mirror mode; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def remove(folder: str) -> None:
    """Removes a tree, folders without write permission included."""

    def again(function: Callable[..., Any], path: str, _: object) -> None:
        os.chmod(os.path.dirname(path), stat.S_IRWXU)
        if os.path.isdir(path) and not os.path.islink(path):
            os.chmod(path, stat.S_IRWXU)
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)

    if os.path.lexists(folder):
        shutil.rmtree(folder, onerror=again)


def _interrupt(number: int, _: object) -> NoReturn:
    raise Problem("ended by a signal; the same command goes on from here", code=128 + number)


def _is_full(error: BaseException) -> bool:
    full = isinstance(error, OSError) and error.errno == errno.ENOSPC
    return full or isinstance(error, DiskFull)


def _made(folder: str) -> str:
    os.makedirs(folder, mode=0o755, exist_ok=True)
    return folder


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read().strip()
