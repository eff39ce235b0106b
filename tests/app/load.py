"""Measures the service under load: two workers, a real Postgres, the load from this process.

``bazel run //tests/app:load -- [--seconds 5] [--connections 16]`` prints, for both settings of
WARM_UP, the time to the first /health and of a first chat right after it, and the memory of the
processes; then a line for each operation: requests a second, median and 99th percentile. All share
the machine, so the figures are of the whole, this client included.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from tests.app import bearer
from tests.app.model import ModelServer
from tests.app.postgres import Postgres
from tests.app.service import Service, environment, memory, migrate, processes

USER = "load"
TASKS = 100  # in the list that is read
SETTLED = 6.0  # seconds until what was begun in the background is through


def request(method: str, path: str, body: object = None) -> bytes:
    """An HTTP/1.1 request with this user's token."""
    content = json.dumps(body).encode() if body is not None else b""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: "
        f"Bearer {bearer.token(USER)}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def answer(reader: asyncio.StreamReader) -> int:
    """Read one answer; returns its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    await reader.readexactly(length)
    return int(head[9:12])


async def client(port: int, sent: bytes, until: float, times: list[float]) -> None:
    """Send one request after the other on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (started := time.perf_counter()) < until:
        writer.write(sent)
        status = await answer(reader)
        if status not in (200, 201):
            raise RuntimeError(f"answered {status}")
        times.append(time.perf_counter() - started)
    writer.close()


async def measure(
    port: int, sent: bytes, seconds: float, connections: int, workers: list[int]
) -> str:
    """Requests a second, their times and the workers' processor time, after a short warm-up."""
    for length in (1.0, seconds):
        times: list[float] = []
        used = processor_time(workers)
        until = time.perf_counter() + length
        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(client(port, sent, until, times))
    cuts = statistics.quantiles(times, n=100)
    cost = (processor_time(workers) - used) / len(times)
    return (
        f"{len(times) / seconds:6.0f}/s  p50 {cuts[49] * 1000:.1f} ms  p99 {cuts[98] * 1000:.1f} ms"
        f"  processor time {cost * 1000:.2f} ms"
    )


def processor_time(pids: list[int]) -> float:
    """Seconds of processor time that the processes have used."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def shown_memory(service: Service) -> str:
    resident, proportional = memory(service, "Rss"), memory(service, "Pss")
    each = " + ".join(f"{size:.0f}" for size in resident)
    return f"{each} = {sum(resident):.0f} MB resident, {sum(proportional):.0f} MB proportional"


def measure_start(settings: dict[str, str], folder: Path) -> None:
    """From nothing to the first chat, with both settings of WARM_UP."""
    for warm_up in ("first-request", "start"):
        settings["WARM_UP"] = warm_up
        for shown in (False, True):  # the first one has no bytecode yet
            with Service(settings, folder / "log", workers=2) as service:
                started = time.perf_counter()
                with service.client(USER) as http:
                    http.post(f"/api/{USER}/chat", json={"message": "hi"}).raise_for_status()
                first_chat = time.perf_counter() - started
            with Service(settings, folder / "log", workers=2) as service:
                time.sleep(SETTLED)
                if shown:
                    print(f"WARM_UP={warm_up}")
                    print(f"  start to first /health  {service.start_seconds:.2f} s")
                    print(f"  a first chat after it   {first_chat:.2f} s")
                    print(f"  memory at rest          {shown_memory(service)}")


def measure_load(settings: dict[str, str], folder: Path, seconds: float, connections: int) -> None:
    with Service(settings, folder / "log", workers=2) as service:
        with service.client(USER) as http:
            for number in range(TASKS):
                http.post(f"/api/{USER}/tasks", json={"title": f"task {number}"})
        time.sleep(SETTLED)
        for name, sent in (
            ("health", request("GET", "/health")),
            ("list of 50", request("GET", f"/api/{USER}/tasks?limit=50")),
            ("create", request("POST", f"/api/{USER}/tasks", {"title": "under load"})),
        ):
            workers = processes(service)
            figures = asyncio.run(measure(service.port, sent, seconds, connections, workers))
            print(f"{name:24}  {figures}")
        print(f"memory under load         {shown_memory(service)}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=5.0)
    options.add_argument("--connections", type=int, default=16)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        postgres = Postgres(Path(folder))
        postgres.start()
        migrate(postgres.url())
        with ModelServer() as model:
            settings = environment(
                postgres.url(),
                OPENAI_BASE_URL=model.url,
                RATE_LIMIT_PER_MINUTE="100000000",
                CHAT_LIMIT_PER_MINUTE="1000",
            )
            measure_start(settings, Path(folder))
            measure_load(settings, Path(folder), chosen.seconds, chosen.connections)
        postgres.stop()


if __name__ == "__main__":
    main()
