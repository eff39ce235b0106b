"""A running container of the backend."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
from load import host, layout
from load.engine import Engine

from tests.app import bearer
from tests.app.postgres import free_port
from tests.runtime.engines import client, run_command

SECRETS = {
    "NEON_DATABASE_URL": "postgresql://todo:fake-password-not-to-be-seen@127.0.0.1:1/none",
    "OPENAI_API_KEY": "sk-fake-not-to-be-seen",
    "BETTER_AUTH_SECRET": bearer.SECRET,
}


class Server:
    """One container; everything that a test asks of it."""

    def __init__(self, engine: Engine, identifier: str, url: str) -> None:
        self.engine = engine
        self.identifier = identifier
        self.url = url
        self.seconds = 0.0

    def wait(self, path: str = "/health", status: int = 200, seconds: float = 30) -> None:
        """Until `path` answers with `status`."""
        start = time.monotonic()
        seen: object = None
        while time.monotonic() - start < seconds:
            try:
                seen = httpx2.get(self.url + path, timeout=5).status_code
            except httpx2.TransportError as error:
                seen = error
            if seen == status:
                self.seconds = time.monotonic() - start
                return
            time.sleep(0.02)
        raise AssertionError(f"{path} did not answer {status} but {seen}: {self.logs()[-2000:]}")

    @property
    def pid(self) -> int:
        """Of the container's first process."""
        return int(self.inspect("{{.State.Pid}}"))

    def workers(self) -> list[int]:
        """Of uvicorn's worker processes."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [
            int(child)
            for child in children
            if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()
        ]

    def memory(self) -> int:
        """Bytes of all its processes; pages that they share count once."""
        total, waiting = 0, [self.pid]
        while waiting:
            pid = waiting.pop()
            waiting += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        return total

    def inspect(self, template: str) -> str:
        done = client(self.engine, "inspect", "--format", template, self.identifier)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def logs(self) -> str:
        done = client(self.engine, "logs", self.identifier)
        return done.stdout + done.stderr


def variables(folder: Path, settings: dict[str, str]) -> str:
    """A file for --env-file."""
    file = folder / "variables.env"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return str(file)


def listen(port: int, workers: int = 2) -> str:
    """The image's Cmd on another port: in the machine's own network its own may be taken."""
    return f"main:app --host 127.0.0.1 --port {port} --workers {workers}"


@contextlib.contextmanager
def serving(
    engine: Engine,
    image: layout.Image,
    folder: Path,
    *options: str,
    settings: dict[str, str] | None = None,
    memory: str = "256m",
    workers: int = 2,
    without: str = "",
) -> Iterator[Server]:
    """A container in the machine's network that answers /health; `without` takes an option out."""
    port = free_port()
    words = run_command(
        engine,
        image,
        "--detach",
        "--network=host",
        *options,
        memory=memory,
        env_file=variables(folder, SECRETS if settings is None else settings),
        command=listen(port, workers),
    )
    done = host.run([word for word in words if word != without])
    assert done.returncode == 0, done.stderr.decode()
    server = Server(engine, done.stdout.decode().split()[-1], f"http://127.0.0.1:{port}")
    try:
        server.wait()
        yield server
    finally:
        client(engine, "rm", "--force", server.identifier)
