"""Steps: what the images weigh, and how they travel, start and run."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from harness.bench import Bench, say
from harness.image import Image
from harness.measure import PeakMemory, load, memory, seconds, until_healthy
from harness.services import Podman, free_port

_REST = 3.0  # seconds from the first answer until memory at rest is read
_LOAD = 5.0  # seconds

_SETTINGS = {
    "NEON_DATABASE_URL": "postgresql://fake:fake@127.0.0.1:1/fake",
    "OPENAI_API_KEY": "sk-fake-not-a-key",
    "BETTER_AUTH_SECRET": "fake-secret-of-at-least-32-characters",
}


def size(bench: Bench) -> None:
    """Size of the image, and what is new in it after an edit and after a bump."""
    address = bench.registry()
    for contestant in bench.contestants:
        current, older = bench.locks
        contestant.use(older)
        before = Image(bench.pushed(contestant, address, "older"))
        contestant.use(current)
        bumped = Image(bench.pushed(contestant, address, "current"))
        bench.edit(contestant)
        edited = Image(bench.pushed(contestant, address, "edited"))
        bench.record("layers", contestant.name, len(bumped.layers))
        for row, value in (
            ("unpacked MB", bumped.unpacked),
            ("compressed MB", bumped.compressed),
            ("new MB after the bump", bumped.new_bytes(before)),
            ("new MB after the edit", edited.new_bytes(bumped)),
        ):
            bench.record(row, contestant.name, value / 1e6)


def start(bench: Bench) -> None:
    """Pull, start and memory of every image, under the same podman with a store of its own."""
    address = bench.registry()
    podman = bench.podman("runner")
    references = {
        contestant.name: bench.pushed(contestant, address, "start")
        for contestant in bench.contestants
    }
    for _ in range(max(bench.rounds, 3)):
        for name, reference in references.items():
            pull = " ".join([*podman.words, "pull", "--quiet", "--tls-verify=false", reference])
            for taken in seconds(pull, cwd=bench.bazel.folder, env=podman.env):
                bench.record("pull and unpack s", name, taken)
            _start(bench, podman, name, reference)
            podman("rmi", "--all", "--force")


def _start(bench: Bench, podman: Podman, name: str, reference: str) -> None:
    port = free_port()
    begin = time.time()
    with _container(podman, port, reference) as container:
        until_healthy(port)
        healthy = time.time()
        bench.record("podman run to /health s", name, healthy - begin)
        # Seconds since the epoch, with nine decimals.
        form = (
            '{{.State.StartedAt.Unix}}.{{printf "%09d" .State.StartedAt.Nanosecond}} {{.State.Pid}}'
        )
        started, pid = podman("inspect", "--format", form, container).split()
        bench.record("process start to /health s", name, healthy - float(started))
        processes = {int(pid)}
        time.sleep(_REST)
        bench.record("memory at rest MB", name, memory(processes) / 1e6)
        with PeakMemory(lambda: processes) as watch, load(port):
            time.sleep(_LOAD)
        bench.record("memory under load MB", name, watch.peak / 1e6)


@contextmanager
def _container(podman: Podman, port: int, reference: str) -> Iterator[str]:
    container = podman(
        "run", "--detach", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges",
        "--tmpfs", "/tmp:rw,mode=1777,size=16m",  # noqa: S108 - the container's
        "--publish", f"127.0.0.1:{port}:8000",
        *(word for item in _SETTINGS.items() for word in ("--env", "=".join(item))), reference,
    ).strip()  # fmt: skip
    try:
        yield container
    except BaseException:
        say(podman("logs", "--tail", "20", container))
        raise
    finally:
        podman("rm", "--force", "--time", "10", container)
