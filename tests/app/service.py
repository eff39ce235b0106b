"""Starts the real service as a process of its own and talks to it over HTTP."""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx2

from tests.app import bearer
from tests.app.postgres import free_port

APP = Path("app").resolve()
START_TIMEOUT = 60.0  # seconds
PATIENCE = 120.0  # seconds until a client takes the service for dead, however slow the machine
# The image has bytecode for everything. Here no package may be written to: the first start writes
# it into this folder, and every later one is as fast as in the image.
BYTECODE = Path(os.environ.get("TEST_TMPDIR", tempfile.gettempdir())) / "todo-bytecode"
SECRETS = {
    "OPENAI_API_KEY": "sk-fake-that-must-not-be-logged",
    "BETTER_AUTH_SECRET": bearer.SECRET,
    "METRICS_TOKEN": "fake-metrics-token-not-to-be-logged",
}


_TOKEN = re.compile(r"eyJ[\w-]{10,}\.")  # how a JWT begins


def secrets_in(text: str) -> list[str]:
    """The names of the secrets that the text holds; bearer tokens count."""
    found = [name for name, secret in SECRETS.items() if secret in text]
    return [*found, "a token"] if _TOKEN.search(text) else found


def environment(database_url: str, app: Path = APP, **more: str) -> dict[str, str]:
    """The settings of a service, in an environment that has nothing else of ours.

    ``app``: the folder of another release than this one's, as for `migrate` and `Service`.
    """
    password = urlsplit(database_url).password
    if password and password not in SECRETS.values():
        SECRETS[f"password of {urlsplit(database_url).hostname}, {len(SECRETS)}"] = password
    kept = {
        name: os.environ[name] for name in ("PATH", "TEST_TMPDIR", "HOME") if name in os.environ
    }
    required = {
        "NEON_DATABASE_URL": database_url,
        "OPENAI_API_KEY": SECRETS["OPENAI_API_KEY"],
        "BETTER_AUTH_SECRET": SECRETS["BETTER_AUTH_SECRET"],
        "PYTHONPATH": os.pathsep.join([str(app), *sys.path]),
        "PYTHONPYCACHEPREFIX": str(BYTECODE),
    }
    return kept | required | more


def migrate(
    database_url: str, *arguments: str, app: Path = APP
) -> subprocess.CompletedProcess[str]:
    """Run the migrations as a deployment does, or another Alembic command."""
    needed = environment(database_url, app)
    for name in ("OPENAI_API_KEY", "BETTER_AUTH_SECRET"):
        del needed[name]
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *(arguments or ("upgrade", "head"))],
        cwd=app,
        env=needed,
        check=False,
        capture_output=True,
        text=True,
    )
    assert not secrets_in(done.stdout + done.stderr)
    if done.returncode:
        raise RuntimeError(f"alembic failed: {done.stderr[-3000:]}")
    return done


class Service:
    """`uvicorn main:app` with these settings; healthy within the block."""

    logs: ClassVar[set[Path]] = set()
    """Of every service that was started; at the end of the tests none of them may hold a secret."""

    def __init__(
        self, settings: dict[str, str], log: Path, workers: int = 1, app: Path = APP
    ) -> None:
        self.settings = settings
        self.app = app
        self.log = log
        self.workers = workers
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start_seconds = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Service":
        self.launch()
        started = time.monotonic()
        while time.monotonic() - started < START_TIMEOUT:
            try:
                if httpx2.get(f"{self.url}/health", timeout=2).status_code == 200:
                    self.start_seconds = time.monotonic() - started
                    return self
            except httpx2.TransportError:
                time.sleep(0.02)
            if self.process is not None and self.process.poll() is not None:
                break
        self.stop()
        raise RuntimeError(f"the service did not start:\n{self.text()}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process, whatever becomes of it."""
        # "-m coverage run …" measures the service too.
        wrapper = shlex.split(os.environ.get("TODO_TEST_WRAPPER", ""))
        command = [sys.executable, *wrapper, "-m", "uvicorn", "main:app"]
        command += ["--host", "127.0.0.1", "--port", str(self.port)]
        if self.workers > 1:
            command += ["--workers", str(self.workers)]
        self.logs.add(self.log)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.app, env=self.settings, stdout=log, stderr=log
            )
        return self.process

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process is None:
            raise RuntimeError("the service was never started")
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def text(self) -> str:
        """What it has logged."""
        return self.log.read_text(encoding="utf-8")

    def errors(self) -> list[str]:
        """The lines of that level."""
        return [line for line in self.text().splitlines() if '"level": "error"' in line]

    def client(self, user: str | None = None, **options: Any) -> httpx2.Client:
        """A client with this user's token."""
        headers = bearer.headers(user) if user else {}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=PATIENCE, **options)

    def async_client(self, user: str, **options: Any) -> httpx2.AsyncClient:
        """The same for concurrent requests."""
        return httpx2.AsyncClient(
            base_url=self.url, headers=bearer.headers(user), timeout=PATIENCE, **options
        )


def processes(service: Service) -> list[int]:
    """The supervisor and its children."""
    if service.process is None:
        raise RuntimeError("the service has no process")
    pid = service.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [pid, *map(int, children.split())]


def memory(service: Service, kind: str) -> list[float]:
    """MB of each process: Rss, or Pss, which counts shared pages once."""
    sizes = []
    for pid in processes(service):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        sizes += [int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{kind}:")]
    return sizes
