"""One build from nothing: an own copy of the sources, an own Bazel server, no result of another."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator

from frontdoor import namespace, workspace
from frontdoor.problem import Problem
from frontdoor.progress import Progress

from . import machine
from .surroundings import Surroundings

_ARTIFACTS = "//image:artifacts"
PACKAGE = "image"
_PROBE = "//tools:surroundings"

# Bazel's own lines: `[12 / 86] Python layer alembic 1.20.1`, and where it is before that.
_ACTIONS = re.compile(r"\[([\d,]+) / ([\d,]+)\]")
_NOT_SOURCES = ("bazel-*", ".git", ".venv", "__pycache__", "user.bazelrc")


def copy_sources(checkout: str, build: Surroundings, mode: str) -> None:
    """Copies what Bazel would see of the checkout: tracked files and new ones, not ignored ones.

    With the modes that git would give them under the build's umask, and new times.

    Raises:
        Problem: git can't list the files of a checkout that has a `.git`.
    """
    for path in sorted(_sources(checkout), reverse=build.backwards):
        target = os.path.join(build.checkout, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # deleted and not yet committed
            shutil.copy(os.path.join(checkout, path), target, follow_symlinks=False)
            if not os.path.islink(target):
                os.chmod(target, os.stat(target).st_mode & ~build.umask)
    workspace.keep_mode(build.checkout, mode)


def _sources(checkout: str) -> Iterator[str]:
    if os.path.exists(os.path.join(checkout, ".git")):
        command = ["git", "-c", "safe.directory=*", "ls-files", "-coz", "--exclude-standard"]
        try:
            listed = subprocess.run(command, cwd=checkout, check=True, capture_output=True).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise Problem(f"git can't list the files of {checkout}: {error}", code=3) from error
        yield from filter(None, os.fsdecode(listed).split("\0"))
        return
    ignore = shutil.ignore_patterns(*_NOT_SOURCES)
    for folder, folders, files in os.walk(checkout):
        for left_out in ignore(folder, [*folders, *files]):
            (folders if left_out in folders else files).remove(left_out)
        yield from (os.path.relpath(os.path.join(folder, name), checkout) for name in files)


class Build:
    """A build in its surroundings, as a context: its Bazel server ends with it."""

    def __init__(self, build: Surroundings, progress: Progress) -> None:
        self._build, self._progress = build, progress
        self._startup = [
            "--nohome_rc",
            "--nosystem_rc",
            f"--output_user_root={build.output}",
            "--max_idle_secs=60",
        ]

    def __enter__(self) -> Build:
        return self

    def __exit__(self, *_: object) -> None:
        with self._start("shutdown") as process:
            process.communicate()

    def run(self, cache: str = "") -> str:
        """Builds all artifacts; returns the folder that `digests.read` takes them from.

        Args:
            cache: folder of a disk cache to fill and to take results from; none by default. Then
                `Surroundings.actions` is written, and what tells of the surroundings isn't built.

        Raises:
            Problem: Bazel failed; says its first error.
        """
        build = self._build
        flags = [f"--repository_cache={build.folder}/downloads", *machine.sandbox_flags(build)]
        if not build.workers:
            # The clock is the sandboxes' alone, too.
            flags.append("--spawn_strategy=sandboxed")
        # Nothing that another build left behind, whatever a user's own settings say.
        flags += [f"--disk_cache={cache}", "--remote_cache=", "--remote_executor="]
        targets = [_ARTIFACTS]
        if cache:
            flags.append(f"--execution_log_json_file={build.actions}")
        else:
            targets.append(_PROBE)
        flags += ["--color=no", "--curses=no", "--show_progress_rate_limit=1"]
        started = time.monotonic()
        lines = []
        with self._start("build", *flags, *targets) as process:
            try:
                for line in process.stderr or ():
                    lines.append(line.strip())
                    self._tell(line)
            except KeyboardInterrupt:
                # At Ctrl-C Bazel knows already and twice does no harm; of a SIGTERM it does not.
                process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(30)
                process.kill()
                raise
        if process.returncode < 0 or process.returncode == 8:
            raise KeyboardInterrupt
        if process.returncode:
            errors = [
                line for line in lines if line.startswith(("ERROR:", "Error", "tools/bazel:"))
            ]
            said = (errors or lines or ["Bazel said nothing"])[0]
            raise Problem(f"the {build.name} failed: {said}", code=3)
        self._progress.done(f"{build.name} done in {time.monotonic() - started:.0f} s")
        return os.path.realpath(os.path.join(build.checkout, "bazel-bin"))

    def _start(self, command: str, *arguments: str) -> subprocess.Popen[str]:
        build = self._build
        user, group = build.ids or (None, None)
        return subprocess.Popen(
            [os.path.join(build.checkout, "tools/bazel"), *self._startup, command, *arguments],
            cwd=build.checkout,
            env={**build.environment, "HOME": build.home},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            umask=build.umask,
            user=user,
            group=group,
            extra_groups=[] if build.ids else None,
            preexec_fn=self._become,
        )

    def _become(self) -> None:
        os.sched_setaffinity(0, self._build.cpus)
        if self._build.as_root:
            namespace.appear_as_root()

    def _tell(self, line: str) -> None:
        done = _ACTIONS.match(line)
        if done:
            self._progress.update(f"{self._build.name}: {done[1]} of {done[2]} actions")
        elif line.startswith(("Loading", "Analyzing", "Computing")):
            self._progress.update(f"{self._build.name}: fetching and analysing")


def seen(folder: str) -> dict[str, object]:
    """What the probe saw from inside a build action."""
    with open(os.path.join(folder, "tools/surroundings.json"), encoding="utf-8") as file:
        found: dict[str, object] = json.load(file)
    return found


@contextlib.contextmanager
def work_folder(parent: str | None, keep: bool) -> Iterator[str]:
    """A folder that goes away with everything in it, unless it is to be kept."""
    import tempfile

    folder = tempfile.mkdtemp(prefix="reproducible-", dir=parent or "/var/tmp")  # noqa: S108
    os.chmod(folder, 0o711)  # noqa: S103  the second build's user passes through
    try:
        yield folder
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the clean-up takes a second or two
        if not keep:
            machine.remove(folder)
