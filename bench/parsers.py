"""What uvicorn's parsers cost: httptools, httptools with the image's limits, and h11 with the same.

    tools/bazel run //:venv
    .venv/bin/python bench/parsers.py [ROUNDS [SECONDS]]

Needs Debian's wrk. The contestants take turns; one worker serves 16 connections, with nine headers
in each request. The processor's time is what counts: requests a second depend on what else goes on.
"""

import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GUARD = Path(__file__).resolve().parent.parent / "image/private"
APPLICATIONS = {
    "bare ASGI": """
async def app(scope, receive, send):
    if scope["type"] == "http":
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})
""",
    "FastAPI": """
from fastapi import FastAPI
app = FastAPI()
@app.get("/")
async def root(): return {"status": "ok"}
""",
}
CONTESTANTS = {
    "httptools": {"UVICORN_HTTP": "httptools"},
    "httptools, guarded": {"UVICORN_HTTP": "httptools", "GUARDED": "1"},
    "h11": {"UVICORN_HTTP": "h11", "UVICORN_H11_MAX_INCOMPLETE_EVENT_SIZE": "65536"},
}
HEADERS = [
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept: application/json",
    "Accept-Language: en",
    "Accept-Encoding: gzip, deflate, br",
    "X-Forwarded-For: 10.0.0.1",
    "X-Forwarded-Proto: https",
    "X-Request-ID: 4711",
    "Authorization: Bearer " + 300 * "x",
]


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(folder: str, variables: dict[str, str], seconds: int) -> tuple[float, float]:
    """Requests a second, and microseconds of the server's processor for each."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    options = ["--port", port, "--no-access-log", "--log-level", "warning"]
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "application:app", *options],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": folder} | variables,
    )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", int(port)), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        load = ["wrk", "-t1", "-c16", f"http://127.0.0.1:{port}/"]
        load += [word for header in HEADERS for word in ("-H", header)]
        subprocess.run([*load, "-d1"], check=True, stdout=subprocess.DEVNULL)
        before = processor_seconds(server.pid)
        done = subprocess.run(
            [*load, f"-d{seconds}"], check=True, stdout=subprocess.PIPE, text=True
        )
        spent = processor_seconds(server.pid) - before
    finally:
        server.terminate()
        server.wait()
    count = re.search(r"(\d+) requests in", done.stdout)
    rate = re.search(r"Requests/sec: +([\d.]+)", done.stdout)
    if count is None or rate is None or "Non-2xx" in done.stdout:
        sys.exit(f"wrk says:\n{done.stdout}")
    return float(rate[1]), spent / int(count[1]) * 1e6


def main(rounds: int = 5, seconds: int = 5) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "sitecustomize.py").write_text(
            f"import os, sys\nif 'GUARDED' in os.environ:\n    sys.path.append({str(GUARD)!r})\n"
            "    import fastapi_image_guard\n"
        )
        for name, source in APPLICATIONS.items():
            Path(folder, "application.py").write_text(source)
            samples: dict[str, list[tuple[float, float]]] = {each: [] for each in CONTESTANTS}
            for turn in range(rounds):
                order = list(CONTESTANTS)
                for each in order[turn % len(order) :] + order[: turn % len(order)]:
                    samples[each].append(measure(folder, CONTESTANTS[each], seconds))
            for each, found in samples.items():
                rates, costs = zip(*found, strict=True)
                print(
                    f"{name:10} {each:19} {statistics.median(rates):6.0f} requests/s "
                    f"({min(rates):.0f} to {max(rates):.0f})   {statistics.median(costs):6.1f} µs "
                    f"({min(costs):.1f} to {max(costs):.1f})"
                )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
