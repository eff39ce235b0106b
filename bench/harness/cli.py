"""What is measured, in which order, and the table."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from harness import base
from harness.contestants import Bazel, BuildKit, Contestant, Lock, PodmanBuild
from harness.measure import Failed, Image, PeakMemory, run, seconds, until_healthy
from harness.services import Docker, Podman, free_port, missing_tools, registry

_STEPS = ("clean", "noop", "edit", "bump", "size", "start", "memory")

# A small pure distribution far down in the tree, and an older release that the same pyproject.toml admits.
_BUMPED = "idna"
_OLDER = "idna==3.10"

_SETTINGS = {
    "NEON_DATABASE_URL": "postgresql://fake:fake@127.0.0.1:1/fake",
    "OPENAI_API_KEY": "sk-fake-not-a-key",
    "BETTER_AUTH_SECRET": "fake-secret-of-at-least-32-characters",
}


class Bench:
    """One run: the contestants, the samples, and what must be stopped at the end."""

    def __init__(self, stack: ExitStack, checkout: Path, work: Path, peers: list[str], rounds: int) -> None:
        """Set up the contestants below `work` and build each once, which fills its download cache."""
        self.stack, self.work, self.rounds = stack, work, rounds
        self.samples: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._edits = 0
        self.bazel = Bazel(checkout, work / "bazel" / "checkout")
        say("the first build of the copy (downloads; not measured)")
        self.bazel.bazel("build", "//image")
        self.locks = self._locks()
        uv = self._uv()
        self.podman = Podman(work / "podman")
        self.contestants: list[Contestant] = [self.bazel]
        base_tar = base.lookalike(cache_folder())
        if "buildkit" in peers:
            docker = Docker(work / "docker")
            stack.callback(docker.service.stop)
            self.contestants.append(BuildKit(checkout, work / "buildkit", uv, docker, base_tar))
        if "podman" in peers:
            self.contestants.append(PodmanBuild(checkout, work / "podmanbuild", uv, self.podman, base_tar))
        for contestant in self.contestants:
            for lock in reversed(self.locks):
                say(f"{contestant.name}: warm-up with both locks (not measured)")
                contestant.use(lock)
                run(["sh", "-c", contestant.build], cwd=contestant.folder, env=contestant.env)

    def _uv(self) -> Path:
        file = self.bazel.bazel("cquery", "--output=files", "@uv//:uv").split()[-1]
        return Path(self.bazel.bazel("info", "execution_root").strip()) / file

    def _locks(self) -> tuple[Lock, Lock]:
        """The committed lock, and one in which a small distribution is older."""
        locks = []
        for name, options in (("current", []), ("older", ["--upgrade-package", _OLDER])):
            if options:
                say(f"locking {_OLDER} for the bump")
                self.bazel.bazel("run", "//:lock", "--", *options)
            kept = self.work / f"{name}.lock"
            shutil.copyfile(self.bazel.folder / "uv.lock", kept)
            requirements = self.work / f"{name}.txt"
            export = ["export", "--frozen", "--no-dev", "--no-emit-project", "--quiet"]
            run([self._uv(), *export, "--output-file", requirements], cwd=self.bazel.folder)
            locks.append(Lock(kept, requirements))
        if locks[0].requirements.read_text() == locks[1].requirements.read_text():
            raise Failed(f"the lock already holds {_OLDER}: choose another release in bench/harness/cli.py")
        return locks[0], locks[1]

    def time(self, row: str, contestant: Contestant, command: str) -> None:
        """Take one sample."""
        taken = seconds(command, cwd=contestant.folder, env=contestant.env)
        self.samples[row][contestant.name].append(taken)
        say(f"{row}: {contestant.name} {taken:.2f} s")

    def registry(self) -> str:
        """Start an empty registry and return its ``host:port``."""
        service, address = registry(Path(tempfile.mkdtemp(dir=self.work, prefix="registry-")))
        self.stack.callback(service.stop)
        return address

    def in_turns(self, step: Callable[[Contestant], None]) -> None:
        """Let everybody take every round, starting with another one each time."""
        for turn in range(self.rounds):
            shift = turn % len(self.contestants)
            for contestant in self.contestants[shift:] + self.contestants[:shift]:
                step(contestant)

    def clean(self, contestant: Contestant) -> None:
        """Clean build with warm downloads, and the push of all of it to an empty registry."""
        contestant.clean()
        self.time("clean build", contestant, contestant.build)
        self.time("clean push", contestant, contestant.push(f"{self.registry()}/it:1"))

    def noop(self, contestant: Contestant) -> None:
        """Build again when nothing changed."""
        self.time("no-op", contestant, contestant.build)

    def edit(self, contestant: Contestant) -> None:
        """One line more in the app's entry module."""
        self._edits += 1
        contestant.edit(f"# edit {self._edits}")
        self.time("one-line edit", contestant, contestant.build)

    def bump(self, contestant: Contestant) -> None:
        """One small distribution becomes newer."""
        current, older = self.locks
        contestant.use(older)
        run(["sh", "-c", contestant.build], cwd=contestant.folder, env=contestant.env)
        contestant.use(current)
        self.time(f"bump of {_BUMPED}", contestant, contestant.build)

    def image(self, contestant: Contestant, address: str, tag: str) -> Image:
        """Build and push, then read the image back."""
        reference = f"{address}/{contestant.name}:{tag}"
        run(["sh", "-c", contestant.build], cwd=contestant.folder, env=contestant.env)
        run(["sh", "-c", contestant.push(reference)], cwd=contestant.folder, env=contestant.env)
        return Image(reference)

    def size(self) -> None:
        """Size of the image, and what is new in it after an edit and after a bump."""
        address = self.registry()
        for contestant in self.contestants:
            current, older = self.locks
            contestant.use(older)
            before = self.image(contestant, address, "older")
            contestant.use(current)
            bumped = self.image(contestant, address, "current")
            self._edits += 1
            contestant.edit(f"# edit {self._edits}")
            edited = self.image(contestant, address, "edited")
            say(f"{contestant.name}: {len(bumped.layers)} layers")
            for row, value in (
                ("unpacked MB", bumped.unpacked),
                ("compressed MB", bumped.compressed),
                ("new MB after bump", bumped.new_bytes(before)),
                ("new MB after edit", edited.new_bytes(bumped)),
            ):
                self.samples[row][contestant.name].append(value / 1e6)

    def start(self) -> None:
        """Container start to the first answer of /health, every image under the same podman."""
        address = self.registry()
        images = {}
        for contestant in self.contestants:
            reference = f"{address}/{contestant.name}:start"
            self.image(contestant, address, "start")
            self.podman("pull", "--quiet", "--tls-verify=false", reference)
            images[contestant.name] = reference
        for _ in range(max(self.rounds, 3)):
            for name, reference in images.items():
                port = free_port()
                container = self.podman(
                    "run", "--detach", "--rm", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges",
                    "--tmpfs", "/tmp:rw,mode=1777,size=16m", "--publish", f"127.0.0.1:{port}:8000",
                    *(word for item in _SETTINGS.items() for word in ("--env", "=".join(item))), reference,
                ).strip()  # fmt: skip
                try:
                    taken = until_healthy(f"http://127.0.0.1:{port}/health")
                finally:
                    self.podman("stop", "--time", "10", container)
                self.samples["start to /health"][name].append(taken)
                say(f"start to /health: {name} {taken:.2f} s")

    def memory(self) -> None:
        """Peak memory of Bazel's server and all its actions over a clean build."""
        self.bazel.bazel("clean")
        server = int(self.bazel.bazel("info", "server_pid"))
        client = subprocess.Popen(["tools/bazel", "build", "//image"], cwd=self.bazel.folder, stderr=subprocess.DEVNULL)
        with PeakMemory([server, client.pid]) as watch:
            if client.wait() != 0:
                raise Failed("tools/bazel build //image failed")
        self.samples["peak memory MB"]["bazel"].append(watch.peak / 1e6)

    def table(self) -> str:
        """The medians and the ratios to each peer, as Markdown."""
        peers = [contestant.name for contestant in self.contestants[1:]]
        head = ["step", "bazel", *(f"{peer}" for peer in peers), *(f"bazel / {peer}" for peer in peers)]
        rows = []
        both: dict[str, float] = {
            c.name: sum(
                statistics.median(self.samples[row][c.name]) for row in ("clean build", "clean push")
            )
            for c in self.contestants
            if self.samples["clean push"][c.name]
        }
        medians = {
            row: {name: statistics.median(values) for name, values in by_name.items() if values}
            for row, by_name in self.samples.items()
        }
        if both:
            medians["clean build and push"] = both
        for row, values in medians.items():
            if not values:
                continue
            ours = values["bazel"]
            cells = [f"{values[name]:.2f}" if name in values else "" for name in ("bazel", *peers)]
            ratios = [f"{ours / values[name]:.2f}" if values.get(name) else "" for name in peers]
            rows.append([row, *cells, *ratios])
        return "\n".join("| " + " | ".join(r) + " |" for r in [head, ["---"] * len(head), *rows])


def say(text: str) -> None:
    """Tell what goes on, on standard error."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def cache_folder() -> Path:
    """The user's cache folder for what is slow to make (XDG base directory specification)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fastapi_image" / "bench"


def main(arguments: list[str]) -> int:
    """Run the benchmark; return 0, 1 when a command failed, 2 when something is missing."""
    parser = argparse.ArgumentParser(prog="bench/run", description="Compare //image with a multi-stage Dockerfile.")
    parser.add_argument("--rounds", type=int, default=5, help="samples per step (default 5)")
    parser.add_argument("--peers", default="buildkit,podman", help="which builders of the Dockerfile (default both)")
    parser.add_argument("--steps", default=",".join(_STEPS), help=f"some of {','.join(_STEPS)} (default all)")
    parser.add_argument("--json", type=Path, help="write every sample to this file")
    options = parser.parse_args(arguments)
    peers, steps = options.peers.split(","), options.steps.split(",")
    if unknown := (set(peers) - {"buildkit", "podman"}) | (set(steps) - set(_STEPS)):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if missing := missing_tools(peers):
        say(f"missing here; install: apt-get install {' '.join(missing)}")
        return 2

    checkout = Path(__file__).resolve().parents[2]
    work = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        with ExitStack() as stack:
            bench = Bench(stack, checkout, work, peers, options.rounds)
            stack.callback(bench.bazel.bazel, "shutdown")
            for step in ("clean", "noop", "edit", "bump"):
                if step in steps:
                    bench.in_turns(getattr(bench, step))
            for step in ("size", "start", "memory"):
                if step in steps:
                    getattr(bench, step)()
            print(bench.table())
            if options.json:
                options.json.write_text(json.dumps(bench.samples, indent=2) + "\n")
    except Failed as error:
        say(str(error))
        return 1
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 0
