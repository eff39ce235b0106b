"""How things are measured: wall time by hyperfine, memory by /proc, answers over loopback."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

_INTERVAL = 0.05  # seconds between two looks at /proc


class Failed(Exception):
    """A measured command failed; the text is its last lines."""


def run(
    command: Sequence[str | Path], *, cwd: Path | None = None, env: dict[str, str] | None = None
) -> str:
    """Run a command that must succeed and return its standard output.

    It has a process group of its own, which ends with us: an interrupted benchmark leaves nothing.
    """
    with subprocess.Popen(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            stdout, stderr = process.communicate()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            raise
    if process.returncode != 0:
        tail = "\n".join((stderr or stdout).strip().splitlines()[-8:])
        raise Failed(f"{command[0]} exited with {process.returncode}:\n{tail}")
    return stdout


def seconds(
    command: str, *, cwd: Path, env: dict[str, str], options: Sequence[str] = ("--runs", "1")
) -> list[float]:
    """Wall time of each run of a shell command, measured by hyperfine."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        run(
            ["hyperfine", *options, "--style", "none", "--export-json", report.name, command],
            cwd=cwd,
            env=env,
        )
        return times(Path(report.name))


def times(report: Path) -> list[float]:
    """Seconds of each run in hyperfine's report."""
    found: list[float] = json.loads(report.read_text())["results"][0]["times"]
    return found


class PeakMemory:
    """Peak of the summed proportional set size, in bytes, of processes and their descendants."""

    def __init__(self, roots: Callable[[], set[int]]) -> None:
        """Watch what `roots()` names at the time, and whatever they start."""
        self._roots = roots
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak = 0

    def __enter__(self) -> "PeakMemory":
        """Start to watch."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop; `peak` holds the result."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_INTERVAL):
            self.peak = max(self.peak, memory(self._roots()))


def memory(roots: set[int]) -> int:
    """Summed proportional set size, in bytes, of the processes and their descendants."""
    return sum(_pss(pid) for pid in _descendants(roots))


def _descendants(roots: set[int]) -> set[int]:
    """Return the roots and every process below them that lives now."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(
                    (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
                )
            except OSError:
                continue
    found = {pid for pid in roots if pid in parents}
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found


def _pss(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def until_healthy(port: int, limit: float = 60) -> None:
    """Wait until /health on this port of loopback answers 200, at most `limit` seconds."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if _healthy(http.client.HTTPConnection("127.0.0.1", port, timeout=2)):
            return
        time.sleep(0.01)
    raise Failed(f"/health on port {port} did not answer 200 within {limit:.0f} s")


def _healthy(connection: http.client.HTTPConnection) -> bool:
    try:
        connection.request("GET", "/health", headers={"Connection": "close"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def load(port: int, clients: int = 8) -> Iterator[None]:
    """Ask for /health without a pause, each client on connections of its own."""
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            _healthy(http.client.HTTPConnection("127.0.0.1", port, timeout=5))

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
