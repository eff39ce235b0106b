"""The image in a container as restricted as its pod in Kubernetes."""

import gzip
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import httpx2
from load import host, layout
from load.engine import Engine

from tests.app.postgres import free_port
from tests.runtime.engines import client, run_command
from tests.runtime.server import SECRETS, Server, listen, serving, variables
from tests.runtime.steps import figure


def _ended(
    engine: Engine,
    image: layout.Image,
    folder: Path,
    settings: dict[str, str],
    port: int,
    **more: str,
) -> tuple[int, str, float]:
    """Exit code, output and seconds of a container that has to end by itself."""
    words = run_command(
        engine,
        image,
        "--network=host",
        env_file=variables(folder, settings),
        command=listen(port),
        **more,
    )
    start = time.monotonic()
    done = host.run(words, timeout=60)
    return done.returncode, (done.stdout + done.stderr).decode(), time.monotonic() - start


def test_it_starts_restricted(engine: Engine, loaded: layout.Image, tmp_path: Path) -> None:
    with serving(engine, loaded, tmp_path) as server:
        status = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{server.pid}/status").read_text().splitlines()
        )
        assert status["Uid"].split() == status["Gid"].split() == ["65532"] * 4
        assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        root = next(
            line.split()
            for line in Path(f"/proc/{server.pid}/mountinfo").read_text().splitlines()
            if line.split()[4] == "/"
        )
        assert "ro" in root[5].split(",")
        assert server.inspect("{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}") == "268435456 128"
        assert len(server.workers()) == 2
        figure(f"start to /health: {server.seconds:.2f} s")
        time.sleep(3)  # what is warmed up in the background belongs to rest
        figure(f"memory at rest: {server.memory() / 1e6:.0f} MB (PSS of all processes)")


def test_too_little_memory_is_exit_137(
    engine: Engine, loaded: layout.Image, tmp_path: Path
) -> None:
    code, _, seconds = _ended(engine, loaded, tmp_path, SECRETS, free_port(), memory="16m")
    figure(f"16 MB of memory: exit {code} after {seconds:.2f} s")
    assert code == 137


def test_a_missing_variable_is_one_line(
    engine: Engine, loaded: layout.Image, tmp_path: Path
) -> None:
    # How long the engine itself takes here, to be taken off: a container that does nothing.
    nothing = run_command(
        engine, loaded, "--network=host", "--entrypoint=python3", command="-S -c pass"
    )
    start = time.monotonic()
    assert host.run(nothing).returncode == 0
    overhead = time.monotonic() - start
    for _ in range(3):  # the best: what another program takes of the machine is not the container's
        code, output, seconds = _ended(engine, loaded, tmp_path, {}, free_port())
        if (seconds := seconds - overhead) < 5:
            break
    figure(f"missing variables: exit {code} after {seconds:.2f} s (engine: {overhead:.2f} s)")
    (line,) = [line for line in output.splitlines() if "cannot start" in line]
    assert "NEON_DATABASE_URL" in line
    assert "OPENAI_API_KEY" in line
    assert "BETTER_AUTH_SECRET" in line
    assert "Traceback" not in output
    assert code not in (0, 137)
    assert seconds < 5


def test_a_taken_port_is_said(engine: Engine, loaded: layout.Image, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, output, seconds = _ended(engine, loaded, tmp_path, SECRETS, taken.getsockname()[1])
    figure(f"port taken: exit {code} after {seconds:.2f} s")
    assert code != 0
    assert "address already in use" in output.lower()
    assert seconds < 10


def test_logs_are_json(engine: Engine, loaded: layout.Image, tmp_path: Path) -> None:
    """The supervisor's lines too."""
    with serving(engine, loaded, tmp_path) as server:
        httpx2.get(f"{server.url}/ready", timeout=10)
        lines = server.logs().splitlines()
    assert {json.loads(line)["logger"] for line in lines} >= {"uvicorn.error", "todo.http"}


def test_no_secret_is_seen(engine: Engine, loaded: layout.Image, tmp_path: Path) -> None:
    """Secrets from mounted files, as the hardened way of //deploy gives them."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name, value in SECRETS.items():
        (folder / name).write_text(value)
        os.chown(folder / name, 65532, 65532)
        (folder / name).chmod(0o400)
    mounted = {f"{name}_FILE": f"/run/secrets/{name}" for name in SECRETS}
    volume = f"--volume={folder}:/run/secrets:ro"
    with serving(engine, loaded, tmp_path, volume, settings=mounted) as server:
        httpx2.get(f"{server.url}/ready", timeout=10)
        seen = {
            "inspect": client(engine, "inspect", server.identifier).stdout,
            "image": client(engine, "image", "inspect", "todo-backend:latest").stdout,
            "history": client(engine, "history", "--no-trunc", "todo-backend:latest").stdout,
            "logs": server.logs(),
            "environ": Path(f"/proc/{server.pid}/environ").read_text(),
            "command line": Path(f"/proc/{server.pid}/cmdline").read_text(),
        }
        assert all(seen[name] for name in ("inspect", "image", "history"))
        passwords = [*SECRETS.values(), "fake-password-not-to-be-seen"]
        for where, text in seen.items():
            assert not [value for value in passwords if value in text], where
        for layer in loaded.layers:
            data = gzip.decompress(layer.path.read_bytes())
            assert not [value for value in passwords if value.encode() in data], layer.digest
        for pid in [server.pid, *server.workers()]:
            done = subprocess.run(
                ["cat", f"/proc/{pid}/environ"], user=12345, capture_output=True, check=False
            )
            assert done.returncode != 0


def test_nothing_is_written_outside_tmp(
    engine: Engine, loaded: layout.Image, tmp_path: Path
) -> None:
    """With a writable root: what differs from a container that does nothing."""
    idle = run_command(
        engine, loaded, "--detach", "--network=host", "--entrypoint=python3",
        env_file=variables(tmp_path, SECRETS), command="-c __import__('time').sleep(60)",
    )  # fmt: skip
    done = host.run([word for word in idle if word != "--read-only"])
    assert done.returncode == 0, done.stderr.decode()
    nothing = done.stdout.decode().split()[-1]
    try:
        time.sleep(2)  # as long as the server has
        expected = set(client(engine, "diff", nothing).stdout.splitlines())
    finally:
        client(engine, "rm", "--force", nothing)
    with serving(engine, loaded, tmp_path, without="--read-only") as server:
        time.sleep(2)
        found = set(client(engine, "diff", server.identifier).stdout.splitlines())
    assert found - expected == set()


def test_no_connection_is_tried_at_start(
    engine: Engine, loaded: layout.Image, tmp_path: Path
) -> None:
    """In a network of its own, whose counters begin at zero. The port is the image's, published."""
    port = free_port()
    words = run_command(
        engine, loaded, "--detach", port=str(port), env_file=variables(tmp_path, SECRETS)
    )
    done = host.run(words)
    assert done.returncode == 0, done.stderr.decode()
    server = Server(engine, done.stdout.decode().split()[-1], f"http://127.0.0.1:{port}")
    try:
        server.wait()
        time.sleep(3)
        lines = [
            line.split() for line in Path(f"/proc/{server.pid}/net/snmp").read_text().splitlines()
        ]
        counters = {
            f"{names[0]}{name}": int(value)
            for names, values in zip(lines[::2], lines[1::2], strict=True)
            for name, value in zip(names[1:], values[1:], strict=True)
        }
        assert counters["Tcp:PassiveOpens"] > 0
        assert counters["Tcp:ActiveOpens"] == 0
        assert counters["Udp:OutDatagrams"] == 0
    finally:
        client(engine, "rm", "--force", server.identifier)
