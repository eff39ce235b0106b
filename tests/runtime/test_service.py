"""The service in the container: its API, and what it does when what it needs goes away."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from develop.scripted_model import Reply
from load import host, layout
from load.engine import Engine

from tests.app import bearer
from tests.app.client import events, say, titles
from tests.app.model import ModelServer
from tests.app.postgres import Postgres
from tests.runtime.names import NameServer
from tests.runtime.server import SECRETS, serving
from tests.runtime.steps import deployed_memory, figure, migrate, with_database, with_model


def test_the_tasks_over_postgres(
    engine: Engine, loaded: layout.Image, postgres: Postgres, tmp_path: Path
) -> None:
    settings = with_database(postgres)
    with serving(engine, loaded, tmp_path, settings=settings) as server:
        assert httpx2.get(f"{server.url}/ready", timeout=10).status_code == 503
        migrate(engine, loaded, tmp_path, settings)
        server.wait("/ready")
        with httpx2.Client(base_url=server.url, headers=bearer.headers("u"), timeout=30) as user:
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


def ask_everything(url: str, model: ModelServer) -> None:
    """Every kind of request that needs the chat's SDKs or the database, on one connection."""
    with httpx2.Client(base_url=url, headers=bearer.headers("u"), timeout=30) as user:
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


def test_the_whole_api_over_postgres(
    engine: Engine, loaded: layout.Image, postgres: Postgres, model: ModelServer, tmp_path: Path
) -> None:
    """In the 256 MB of these tests: one client's connection makes one worker load the SDKs."""
    settings = with_database(postgres) | with_model(model)
    migrate(engine, loaded, tmp_path, settings)
    with serving(engine, loaded, tmp_path, settings=settings) as server:
        server.wait("/ready")
        processes = server.workers()
        ask_everything(server.url, model)
        figure(f"2 workers in 256m, one client: memory {server.memory() / 1e6:.0f} MB")
        assert server.workers() == processes


@pytest.mark.parametrize(("workers", "memory"), [(2, deployed_memory()), (1, "256m")])
def test_the_whole_api_over_postgres_under_load(
    engine: Engine,
    loaded: layout.Image,
    postgres: Postgres,
    model: ModelServer,
    tmp_path: Path,
    workers: int,
    memory: str,
) -> None:
    """Under load every worker loads the chat's SDKs.

    A worker has 130 MB then, its supervisor 25: with two of them 256 MB are too few.
    """
    settings = with_database(postgres) | with_model(model)
    migrate(engine, loaded, tmp_path, settings)
    with serving(
        engine, loaded, tmp_path, settings=settings, memory=memory, workers=workers
    ) as server:
        server.wait("/ready")
        processes = server.workers()
        ask_everything(server.url, model)

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
        figure(
            f"{workers} workers in {memory}: memory after {len(codes)} requests:"
            f" {server.memory() / 1e6:.0f} MB"
        )
        # The kernel has ended none for want of memory.
        assert server.inspect("{{.State.Running}}") == "true"
        assert server.workers() == processes


def test_the_database_goes_and_comes_back(
    engine: Engine, loaded: layout.Image, postgres: Postgres, tmp_path: Path
) -> None:
    settings = with_database(postgres)
    migrate(engine, loaded, tmp_path, settings)
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
        figure(f"database back to /ready: {server.seconds:.2f} s")
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
        refused = httpx2.get(tasks, headers=bearer.headers("u"), timeout=30)
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
    migrate(engine, loaded, tmp_path, SECRETS | {"NEON_DATABASE_URL": address})
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
            figure(
                f"silent name server: /ready says so after {time.monotonic() - start:.2f} s,"
                f" /health within {slowest:.3f} s"
            )
            names.answer = "127.0.0.1"
            server.wait("/ready")
            figure(f"name server back to /ready: {server.seconds:.2f} s")
