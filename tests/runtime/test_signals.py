"""How the container ends, and what becomes of requests."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from develop.scripted_model import Reply
from load import host, layout
from load.engine import Engine

from tests.app import bearer
from tests.app.client import say
from tests.app.model import ModelServer
from tests.app.postgres import Postgres, free_port
from tests.runtime.engines import client, run_command
from tests.runtime.server import SECRETS, serving, variables
from tests.runtime.steps import deployed_memory, figure, migrate, with_database, with_model


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
        figure(f"killed worker replaced in {time.monotonic() - start:.2f} s, {answered} answers")


def test_what_the_server_took_up_at_sigterm_is_answered(
    engine: Engine, loaded: layout.Image, postgres: Postgres, model: ModelServer, tmp_path: Path
) -> None:
    """Clients go on through the signal. The log says what was taken up; nothing else may fail."""
    settings = with_database(postgres) | with_model(model)
    model.say(forever=Reply(text="slow but sure", delay=0.5))
    migrate(engine, loaded, tmp_path, settings)
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
            memory=deployed_memory(),
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
        figure(
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
    figure(f"Ctrl-C: exit {code} after {time.monotonic() - start:.2f} s")
    assert code in (0, 128 + signal.SIGINT)
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"http://127.0.0.1:{port}/health", timeout=5)


def test_no_request_fails_at_sigterm_after_the_pause(
    engine: Engine, loaded: layout.Image, postgres: Postgres, tmp_path: Path
) -> None:
    settings = with_database(postgres)
    migrate(engine, loaded, tmp_path, settings)
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
        figure(
            f"SIGTERM under load: {sum(sent)} sent, {sum(failed)} failed, ended in"
            f" {time.monotonic() - start:.2f} s"
        )
        assert min(sent) > 0
        assert sum(failed) == 0
