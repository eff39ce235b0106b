"""One run: who takes part, who is next, and the samples."""

import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from shutil import copyfile

from harness import base
from harness.contestants import Bazel, BuildKit, Contestant, Lock, PodmanBuild
from harness.measure import Failed, run, seconds
from harness.services import Docker, Podman, registry

# A small pure distribution far down in the tree.
BUMPED = "idna"


class Bench:
    """The contestants with warm download caches, and what was measured of them.

    Attributes:
      samples: row of the table → contestant → one figure per sample.
      docker: the engine whose BuildKit takes part; None without it.
    """

    def __init__(
        self, stack: ExitStack, checkout: Path, work: Path, peers: list[str], rounds: int
    ) -> None:
        """Set up the contestants below `work` and build each once; `stack` ends what is started."""
        self._stack, self._work, self.rounds = stack, work, rounds
        self.samples: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._edits = 0
        self.docker: Docker | None = None
        self.bazel = Bazel(checkout, work / "bazel" / "checkout")
        stack.callback(self.bazel.stop)
        self.contestants: list[Contestant] = [self.bazel]
        say("the first build of the copy (downloads; not measured)")
        self.bazel.bazel("build", "//image", "@uv//:uv")
        self.locks = self._locks()
        if peers:
            say("the base of the peers")
            self._add(checkout, peers, base.make())
        for contestant in self.contestants:
            for lock in reversed(self.locks):
                say(f"{contestant.name}: warm-up with both locks (not measured)")
                contestant.use(lock)
                self.build(contestant)

    def _add(self, checkout: Path, peers: list[str], base_tar: Path) -> None:
        if "buildkit" in peers:
            self.docker = Docker(self._work / "docker")
            self._stack.callback(self.docker.stop)
            self.contestants.append(
                BuildKit(checkout, self._work / "buildkit", self._uv(), self.docker, base_tar)
            )
        if "podman" in peers:
            podman = self.podman("podman")
            self.contestants.append(
                PodmanBuild(checkout, self._work / "podmanbuild", self._uv(), podman, base_tar)
            )

    def _uv(self) -> Path:
        file = self.bazel.output("@uv//:uv").relative_to(self.bazel.folder)
        return self.bazel.output_base() / file

    def _locks(self) -> tuple[Lock, Lock]:
        """The committed lock, and one in which a small distribution is a release older."""
        current = self._keep("current")
        found = re.search(rf"^{BUMPED}==(\S+)", current.requirements.read_text(), re.MULTILINE)
        if not found:
            raise Failed(f"the lock holds no {BUMPED}: choose another in bench/harness/bench.py")
        wanted = f"{BUMPED}<{found[1]}"
        say(f"locking {wanted} for the bump")
        self.bazel.bazel("run", "//:lock", "--", "--upgrade-package", wanted)
        return current, self._keep("older")

    def _keep(self, name: str) -> Lock:
        """Keep a copy of the present lock, and what a Dockerfile needs of it."""
        lock = Lock(self._work / f"{name}.lock", self._work / f"{name}.txt")
        copyfile(self.bazel.folder / "uv.lock", lock.uv_lock)
        words = ["--frozen", "--no-dev", "--no-emit-project", "--quiet", "--output-file"]
        run([self._uv(), "export", *words, lock.requirements], cwd=self.bazel.folder)
        return lock

    def build(self, contestant: Contestant) -> None:
        """Build without a look at the clock."""
        run(["sh", "-c", contestant.build], cwd=contestant.folder, env=contestant.env)

    def edit(self, contestant: Contestant) -> None:
        """One line more in the app's entry module."""
        self._edits += 1
        contestant.edit(f"# edit {self._edits}")

    def record(self, row: str, contestant: str, value: float) -> None:
        """Keep one sample and say it."""
        self.samples[row][contestant].append(value)
        say(f"{row}: {contestant} {value:.3g}")

    def time(
        self, row: str, contestant: Contestant, command: str, env: dict[str, str] | None = None
    ) -> None:
        """Take one sample of a command's seconds."""
        env = {**contestant.env, **(env or {})}
        for taken in seconds(command, cwd=contestant.folder, env=env):
            self.record(row, contestant.name, taken)

    def registry(self) -> str:
        """Start an empty registry and return its ``host:port``."""
        folder = Path(tempfile.mkdtemp(dir=self._work, prefix="registry-"))
        service, address = registry(folder)
        self._stack.callback(service.stop)
        return address

    def podman(self, name: str) -> Podman:
        """Make an empty podman store."""
        podman = Podman(self._work / name)
        self._stack.callback(podman.stop)
        return podman

    def pushed(self, contestant: Contestant, address: str, tag: str) -> str:
        """Build and push; return the reference."""
        reference = f"{address}/{contestant.name}:{tag}"
        self.build(contestant)
        push = contestant.push(reference)
        run(["sh", "-c", push], cwd=contestant.folder, env=contestant.env)
        return reference

    def in_turns(self, step: Callable[["Bench", Contestant], None]) -> None:
        """Let everybody take every round, starting with another one each time."""
        for turn in range(self.rounds):
            shift = turn % len(self.contestants)
            for contestant in self.contestants[shift:] + self.contestants[:shift]:
                step(self, contestant)


def say(text: str) -> None:
    """Tell what goes on, on standard error."""
    print(f"bench: {text}", file=sys.stderr, flush=True)
