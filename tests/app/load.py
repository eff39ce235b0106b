"""Measures the service under load: two workers, a real Postgres, the load from this process.

``bazel run //tests/app:load -- [--seconds 5] [--connections 16]`` prints one line an operation:
requests a second, median and 99th percentile in milliseconds; and the memory of each process. All
share the machine, so the figures are of the whole, this client included.
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
from tests.app.postgres import Postgres
from tests.app.service import Service, environment, migrate

USER = "load"
TASKS = 100  # in the list that is read


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


def memory(pid: int) -> dict[int, float]:
    """MB resident of a process and of its children."""
    found = {}
    for folder in Path("/proc").iterdir():
        try:
            text = (folder / "status").read_text(encoding="ascii") if folder.name.isdigit() else ""
        except OSError:
            continue
        fields = dict(line.split(":", 1) for line in text.splitlines())
        if "VmRSS" in fields and str(pid) in (folder.name, fields["PPid"].strip()):
            found[int(folder.name)] = int(fields["VmRSS"].split()[0]) / 1024
    return dict(sorted(found.items()))


def shown(figures: dict[int, float]) -> str:
    each = " + ".join(f"{size:.0f}" for size in figures.values())
    return f"{each} = {sum(figures.values()):.0f} MB"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=5.0)
    options.add_argument("--connections", type=int, default=16)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        postgres = Postgres(Path(folder))
        postgres.start()
        migrate(postgres.url())
        settings = environment(postgres.url(), RATE_LIMIT_PER_MINUTE="100000000")
        with Service(settings, Path(folder) / "log", workers=2) as service:
            if service.process is None:
                raise RuntimeError("the service has no process")
            print(f"start to first /health  {service.start_seconds:.2f} s")
            time.sleep(3)
            print(f"memory at rest          {shown(memory(service.process.pid))}")
            with service.client(USER) as http:
                for number in range(TASKS):
                    http.post(f"/api/{USER}/tasks", json={"title": f"task {number}"})
            time.sleep(5)  # the SDKs are being imported
            reading = request("GET", f"/api/{USER}/tasks?limit=50")
            writing = request("POST", f"/api/{USER}/tasks", {"title": "under load"})
            health = request("GET", "/health")
            for name, sent in (("health", health), ("list of 50", reading), ("create", writing)):
                workers = list(memory(service.process.pid))
                figures = asyncio.run(
                    measure(service.port, sent, chosen.seconds, chosen.connections, workers)
                )
                print(f"{name:22}  {figures}")
            print(f"memory under load       {shown(memory(service.process.pid))}")
        postgres.stop()


if __name__ == "__main__":
    main()
