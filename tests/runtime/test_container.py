"""The image in a container as restricted as its pod in Kubernetes."""

import contextlib
import gzip
import json
import os
import signal
import socket
import subprocess
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
import yaml
from develop.scripted_model import Reply
from load import host, layout
from load.engine import Engine

from tests.app import bearer
from tests.app.client import events, say, titles
from tests.app.model import ModelServer
from tests.app.postgres import Postgres, free_port
from tests.runtime.engines import client, run_command
from tests.runtime.names import NameServer
from tests.runtime.server import SECRETS, Server, listen, serving, variables

ENGINE = os.environ["ENGINE"]


def _figure(text: str) -> None:
    print(f"\nFIGURE {ENGINE} {text}")


def _with_database(postgres: Postgres) -> dict[str, str]:
    return SECRETS | {"NEON_DATABASE_URL": postgres.url(postgres.create_database())}


def _model(model: ModelServer) -> dict[str, str]:
    model.reset()
    limits = {"CHAT_LIMIT_PER_MINUTE": "1000", "RATE_LIMIT_PER_MINUTE": "100000"}
    return limits | {"OPENAI_BASE_URL": model.url}


def _deployed_memory() -> str:
    """The limit of //deploy, in the engines' words."""
    deployment = yaml.safe_load(Path("deploy/base/deployment.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return str(container["resources"]["limits"]["memory"]).replace("Mi", "m")


def _migrate(engine: Engine, image: layout.Image, folder: Path, settings: dict[str, str]) -> None:
    """As the Job of //deploy does."""
    options = ("--network=host", "--entrypoint=alembic")
    words = run_command(
        engine, image, *options, env_file=variables(folder, settings), command="upgrade head"
    )
    done = host.run(words)
    assert done.returncode == 0, done.stderr.decode()


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
        _figure(f"start to /health: {server.seconds:.2f} s")
        time.sleep(3)  # what is warmed up in the background belongs to rest
        _figure(f"memory at rest: {server.memory() / 1e6:.0f} MB (PSS of all processes)")


def test_the_tasks_over_postgres(
    engine: Engine, loaded: layout.Image, postgres: Postgres, tmp_path: Path
) -> None:
    settings = _with_database(postgres)
    with serving(engine, loaded, tmp_path, settings=settings) as server:
        assert httpx2.get(f"{server.url}/ready", timeout=10).status_code == 503
        _migrate(engine, loaded, tmp_path, settings)
        server.wait("/ready")
        with httpx2.Client(base_url=server.url, headers=bearer.headers("u"), timeout=10) as user:
            tasks = "/api/u/tasks"
            task = user.post(tasks, json={"title": "milk"})
            assert task.status_code == 201
            one = f"{tasks}/{task.json()['id']}"
            assert user.get(one).json()["title"] == "milk"
            assert user.patch(f"{one}/complete", json={}).status_code == 200
            assert titles(user, "u") == ["milk"]
            version = {"If-Match": user.get(one).headers["etag"]}
            assert user.put(one, json={"title": "oat milk"}, headers=version).status_code == 200
            assert user.delete(one).status_code == 204
            assert user.get(one).status_code == 404
            assert httpx2.get(f"{server.url}{tasks}").status_code == 401
            assert user.get("/version").json()["version"]

        def load(_: int) -> int:
            with httpx2.Client(
                base_url=server.url, headers=bearer.headers("load"), timeout=10
            ) as user:
                return sum(user.get("/api/load/tasks").status_code == 200 for _ in range(25))

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(load, range(8))) == 200
        _figure(f"memory after load: {server.memory() / 1e6:.0f} MB")


def test_the_chat_over_postgres_under_load(
    engine: Engine, loaded: layout.Image, postgres: Postgres, model: ModelServer, tmp_path: Path
) -> None:
    """With the Deployment's memory: both workers have the chat's SDKs loaded, 78 MB each."""
    settings = _with_database(postgres) | _model(model)
    _migrate(engine, loaded, tmp_path, settings)
    with serving(engine, loaded, tmp_path, settings=settings, memory=_deployed_memory()) as server:
        server.wait("/ready")
        workers = server.workers()
        with httpx2.Client(base_url=server.url, headers=bearer.headers("u"), timeout=30) as user:
            model.say(Reply(calls=[("add_task", {"title": "bread"})]), Reply(text="Added."))
            assert say(user, "u", "I need bread").json()["response"] == "Added."
            assert titles(user, "u") == ["bread"]
            streamed = user.post("/api/u/chat/stream", json={"message": "hello"})
            assert events(streamed.text)[-1][0] == "done"
            content = [{"type": "input_text", "text": "hello"}]
            params = {"input": {"content": content, "attachments": [], "inference_options": {}}}
            thread = user.post("/chatkit", json={"type": "threads.create", "params": params})
            assert events(thread.text)[0][1]["type"] == "thread.created"
            listed = user.post(
                "/mcp",
                json={"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}},
                headers={"Accept": "application/json, text/event-stream"},
            )
            assert "add_task" in listed.text

        def load(number: int) -> list[int]:
            """Each on a connection of its own, so that both workers have something to do."""
            name = f"load{number}"
            with httpx2.Client(
                base_url=server.url, headers=bearer.headers(name), timeout=30
            ) as user:
                lists = [user.get(f"/api/{name}/tasks").status_code for _ in range(25)]
                return lists + [say(user, name, "hello").status_code for _ in range(5)]

        with ThreadPoolExecutor(8) as pool:
            codes = [code for each in pool.map(load, range(8)) for code in each]
        assert set(codes) == {200}
        _figure(f"memory after {len(codes)} requests: {server.memory() / 1e6:.0f} MB")
        # The kernel has ended neither for want of memory.
        assert server.workers() == workers


def test_the_database_goes_and_comes_back(
    engine: Engine, loaded: layout.Image, postgres: Postgres, tmp_path: Path
) -> None:
    settings = _with_database(postgres)
    _migrate(engine, loaded, tmp_path, settings)
    with serving(engine, loaded, tmp_path, settings=settings) as server:
        server.wait("/ready")
        workers = server.workers()
        postgres.stop()
        try:
            server.wait("/ready", 503)
            assert httpx2.get(f"{server.url}/health", timeout=10).status_code == 200
        finally:
            postgres.start()
        server.wait("/ready")
        _figure(f"database back to /ready: {server.seconds:.2f} s")
        assert server.workers() == workers


@pytest.mark.parametrize("shift", ["+1d", "-1d"])
def test_a_wrong_clock_refuses_tokens_and_nothing_else(
    engine: Engine, loaded: layout.Image, tmp_path: Path, shift: str
) -> None:
    """Tokens are judged by the container's clock, a day ahead or behind; probes are not."""
    find = ["find", "/usr/lib", "-path", "*/faketime/libfaketime.so.1"]
    libraries = host.run(find).stdout.decode().split()
    if not libraries:
        pytest.skip("no libfaketime on this machine: .ci/engines installs it")
    clock = (
        f"--volume={libraries[0]}:/run/libfaketime.so.1:ro",
        "--env=LD_PRELOAD=/run/libfaketime.so.1",
        f"--env=FAKETIME={shift}",
        "--env=FAKETIME_DONT_FAKE_MONOTONIC=1",
    )
    away = {"+1d": 86400, "-1d": -86400}[shift]
    with serving(engine, loaded, tmp_path, *clock) as server:
        tasks = f"{server.url}/api/u/tasks"
        refused = httpx2.get(tasks, headers=bearer.headers("u"), timeout=10)
        assert refused.status_code == 401
        assert refused.headers["content-type"] == "application/problem+json"
        now = int(time.time()) + away
        token = bearer.token("u", iat=now, exp=now + 600)
        # By the container's own clock it is valid; the database is what is missing then.
        answer = httpx2.get(tasks, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        assert answer.status_code == 503
        assert httpx2.get(f"{server.url}/health", timeout=10).status_code == 200


def test_a_silent_name_server(
    engine: Engine, loaded: layout.Image, postgres: Postgres, tmp_path: Path
) -> None:
    """Alive, not ready, and ready by itself when names are answered again."""
    database = postgres.create_database()
    address = postgres.url(database)
    settings = SECRETS | {"NEON_DATABASE_URL": address.replace("127.0.0.1", "database.test")}
    _migrate(engine, loaded, tmp_path, SECRETS | {"NEON_DATABASE_URL": address})
    with NameServer() as names:
        resolver = tmp_path / "resolv.conf"
        resolver.write_text(f"nameserver {names.address}\n")
        resolver.chmod(0o444)
        volume = f"--volume={resolver}:/etc/resolv.conf:ro"
        with (
            serving(engine, loaded, tmp_path, volume, settings=settings) as server,
            ThreadPoolExecutor(8) as pool,
        ):
            start = time.monotonic()
            waiting = [pool.submit(httpx2.get, f"{server.url}/ready", timeout=30) for _ in range(8)]
            slowest = 0.0
            while not all(each.done() for each in waiting):
                before = time.monotonic()
                assert httpx2.get(f"{server.url}/health", timeout=10).status_code == 200
                slowest = max(slowest, time.monotonic() - before)
            assert {each.result().status_code for each in waiting} == {503}
            assert names.asked
            _figure(
                f"silent name server: /ready says so after {time.monotonic() - start:.2f} s,"
                f" /health within {slowest:.3f} s"
            )
            names.answer = "127.0.0.1"
            server.wait("/ready")
            _figure(f"name server back to /ready: {server.seconds:.2f} s")


def test_a_killed_worker_is_replaced(engine: Engine, loaded: layout.Image, tmp_path: Path) -> None:
    with serving(engine, loaded, tmp_path) as server:
        before = server.workers()
        os.kill(before[0], signal.SIGKILL)
        start = time.monotonic()
        answered = 0
        while True:
            assert httpx2.get(f"{server.url}/health", timeout=10).status_code == 200
            answered += 1
            after = server.workers()
            if len(after) == 2 and before[0] not in after:
                break
            assert time.monotonic() - start < 20
        assert before[1] in after
        _figure(f"killed worker replaced in {time.monotonic() - start:.2f} s, {answered} answers")


def test_what_the_server_took_up_at_sigterm_is_answered(
    engine: Engine, loaded: layout.Image, postgres: Postgres, model: ModelServer, tmp_path: Path
) -> None:
    """Clients go on through the signal. The log says what was taken up; nothing else may fail."""
    settings = _with_database(postgres) | _model(model)
    model.say(forever=Reply(text="slow but sure", delay=0.5))
    _migrate(engine, loaded, tmp_path, settings)
    answered: dict[str, int] = {}
    refused: set[str] = set()

    def ask(number: int) -> None:
        name = f"user{number}"
        with httpx2.Client(base_url=server.url, headers=bearer.headers(name), timeout=60) as user:
            while True:
                identifier = f"{name}-{uuid.uuid4().hex}"
                user.headers["X-Request-ID"] = identifier
                try:
                    answer = say(user, name, "x") if number % 2 else user.get(f"/api/{name}/tasks")
                except httpx2.TransportError:
                    refused.add(identifier)
                    return
                answered[identifier] = answer.status_code

    with (
        serving(
            engine,
            loaded,
            tmp_path,
            settings=settings,
            memory=_deployed_memory(),
            without="--rm",
        ) as server,
        ThreadPoolExecutor(8) as pool,
    ):
        server.wait("/ready")
        with httpx2.Client(base_url=server.url, headers=bearer.headers("u"), timeout=30) as user:
            assert say(user, "u", "load the SDKs").status_code == 200
        running = [pool.submit(ask, number) for number in range(8)]
        time.sleep(3)
        client(engine, "kill", "--signal=TERM", server.identifier)
        start, before = time.monotonic(), len(answered)
        for each in running:
            each.result()
        while server.inspect("{{.State.Running}}") == "true":
            assert time.monotonic() - start < 35
            time.sleep(0.05)
        _figure(
            f"SIGTERM under load: {before} answered before it and {len(answered) - before} after,"
            f" {len(refused)} not taken up, ended in {time.monotonic() - start:.2f} s"
        )
        assert server.inspect("{{.State.ExitCode}}") == "0"
        while "Stopping parent process" not in server.logs():  # engines write it down in a while
            assert time.monotonic() - start < 45
            time.sleep(0.2)
        lines = [json.loads(line) for line in server.logs().splitlines()]
    taken_up = {line["request_id"] for line in lines if line["message"] == "request"}
    assert set(answered.values()) == {200}
    assert set(answered) <= taken_up
    assert not refused & taken_up
    # And nobody was ended with something in hand.
    ended = [line for line in lines if line["message"].startswith("Finished server process")]
    assert len(ended) == 2
    assert not [line for line in lines if line["message"].startswith("Cancel")]


def test_ctrl_c_ends_it(engine: Engine, loaded: layout.Image, tmp_path: Path) -> None:
    """`bazel run //image:run` in the foreground: the signal reaches the engine's client."""
    port = free_port()
    words = run_command(engine, loaded, port=str(port), env_file=variables(tmp_path, SECRETS))
    with (tmp_path / "log").open("wb") as log:
        process = host.start(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        for _ in range(300):
            with contextlib.suppress(httpx2.TransportError):
                if httpx2.get(f"http://127.0.0.1:{port}/health", timeout=5).status_code == 200:
                    break
            time.sleep(0.1)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        code = process.wait(30)
    finally:
        process.kill()
    _figure(f"Ctrl-C: exit {code} after {time.monotonic() - start:.2f} s")
    assert code in (0, 128 + signal.SIGINT)
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"http://127.0.0.1:{port}/health", timeout=5)


def test_no_request_fails_at_sigterm_after_the_pause(
    engine: Engine, loaded: layout.Image, postgres: Postgres, tmp_path: Path
) -> None:
    settings = _with_database(postgres)
    _migrate(engine, loaded, tmp_path, settings)
    with serving(engine, loaded, tmp_path, settings=settings) as server:
        server.wait("/ready")
        pid = server.pid
        over = threading.Event()
        sent, failed = [0] * 8, [0] * 8

        def ask(number: int) -> None:
            with httpx2.Client(
                base_url=server.url, headers=bearer.headers(f"u{number}"), timeout=30
            ) as user:
                while not over.is_set():
                    sent[number] += 1
                    answer = user.get(f"/api/u{number}/tasks")
                    failed[number] += answer.status_code != 200

        with ThreadPoolExecutor(8) as pool:
            running = [pool.submit(ask, number) for number in range(8)]
            time.sleep(2)
            # preStop's pause: no new requests come, those under way are there when the signal is.
            over.set()
            client(engine, "kill", "--signal=TERM", server.identifier)
            start = time.monotonic()
            for each in running:
                each.result()
        while Path(f"/proc/{pid}").exists():
            assert time.monotonic() - start < 35
            time.sleep(0.05)
        _figure(
            f"SIGTERM under load: {sum(sent)} sent, {sum(failed)} failed, ended in"
            f" {time.monotonic() - start:.2f} s"
        )
        assert min(sent) > 0
        assert sum(failed) == 0


def test_too_little_memory_is_exit_137(
    engine: Engine, loaded: layout.Image, tmp_path: Path
) -> None:
    code, _, seconds = _ended(engine, loaded, tmp_path, SECRETS, free_port(), memory="16m")
    _figure(f"16 MB of memory: exit {code} after {seconds:.2f} s")
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
    _figure(f"missing variables: exit {code} after {seconds:.2f} s (engine: {overhead:.2f} s)")
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
    _figure(f"port taken: exit {code} after {seconds:.2f} s")
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
    port = free_port()
    idle = run_command(
        engine, loaded, "--detach", "--network=host", "--entrypoint=python3",
        env_file=variables(tmp_path, SECRETS), command="-c import\ttime;time.sleep(60)",
    )  # fmt: skip
    done = host.run([word for word in idle if word != "--read-only"])
    assert done.returncode == 0, done.stderr.decode()
    nothing = done.stdout.decode().split()[-1]
    try:
        expected = set(client(engine, "diff", nothing).stdout.splitlines())
    finally:
        client(engine, "rm", "--force", nothing)
    assert port
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
