"""Unpacks packages side by side while the next ones are still on their way."""

from __future__ import annotations

import concurrent.futures
import os
import subprocess

from . import recipe
from .problem import DiskFull, Problem


class Unpacker:
    """Unpacks .deb files into `tree`, one worker per CPU.

    Order does not matter: Debian packages never share a file. The maintainer's scripts do not run;
    recipe.LINKS and setup.py do the little that is needed of them.

    Args:
      tree: the folder to fill; it must be there.
      lock: a file descriptor that children inherit (see apt.Apt).
    """

    def __init__(self, tree: str, lock: int) -> None:
        self._tree = tree
        self._lock = lock
        self._pool = concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0)))
        self._jobs: list[concurrent.futures.Future[None]] = []

    def add(self, package: str) -> None:
        """Queues one .deb file."""
        self._jobs.append(self._pool.submit(self._unpack, package))

    def done(self) -> int:
        """How many packages are unpacked; raises the Problem of one that could not be."""
        finished = [job for job in self._jobs if job.done()]
        for job in finished:
            job.result()
        return len(finished)

    def finish(self) -> None:
        """Waits for the rest."""
        for job in concurrent.futures.as_completed(self._jobs):
            job.result()

    def close(self) -> None:
        """Drops what has not begun and waits for what has."""
        self._pool.shutdown(cancel_futures=True)

    def _unpack(self, package: str) -> None:
        excluded = [f"--exclude={path}" for path in recipe.EXCLUDED]
        # Never the set-user-id bits: these are a user's own copies. An aliased folder such as /lib
        # stays the link that it is.
        modes = ["--no-same-owner", "--no-same-permissions", "--keep-directory-symlink"]
        with subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", package],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(self._lock,),
        ) as reader:
            writer = subprocess.run(
                ["tar", "--extract", f"--directory={self._tree}", *modes, *excluded],
                stdin=reader.stdout,
                capture_output=True,
                umask=0o022,
                pass_fds=(self._lock,),
            )
            error = (reader.stderr.read() if reader.stderr else b"") + writer.stderr
        if reader.returncode == 0 and writer.returncode == 0:
            return
        text = error.decode(errors="replace").strip()
        if "No space left" in text:
            raise DiskFull("the disk is full: free some space, then run again")
        os.unlink(package)
        raise Problem(
            f"{os.path.basename(package)} can't be unpacked ({text}); it was removed: run again"
        )
