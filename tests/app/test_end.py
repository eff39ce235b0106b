"""SIGTERM: what is under way is answered, what takes too long is ended cleanly."""

import asyncio
import os
import re
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from develop.scripted_model import Reply

from tests.app.client import events, problem
from tests.app.flood import Flood
from tests.app.model import ModelServer
from tests.app.postgres import Postgres
from tests.app.service import Service, environment


@pytest.fixture
def pair(
    postgres: Postgres, model: ModelServer, logs: Path, request: pytest.FixtureRequest
) -> Iterator[Service]:
    """Two workers, which the test ends; a parameter is the seconds of grace."""
    settings = environment(
        postgres.url(),
        OPENAI_BASE_URL=model.url,
        SHUTDOWN_GRACE_SECONDS=getattr(request, "param", "20"),
        RATE_LIMIT_PER_MINUTE="1000000",
    )
    with Service(settings, logs / f"pair-{uuid.uuid4().hex}.log", workers=2) as running:
        yield running


async def test_every_accepted_request_is_answered(
    pair: Service, model: ModelServer, user: str
) -> None:
    """SIGTERM while writes, chats and streams are under way."""
    model.say(forever=Reply(text="slow but sure", delay=2))
    async with pair.async_client(user) as client:
        await client.post(f"/api/{user}/chat", json={"message": "load the SDKs"})
        requests = [
            asyncio.create_task(client.post(path, json=body))
            for _ in range(4)
            for path, body in (
                (f"/api/{user}/tasks", {"title": "x"}),
                (f"/api/{user}/chat", {"message": "hello"}),
                (f"/api/{user}/chat/stream", {"message": "hello"}),
            )
        ]
        await model.asked(1 + 8)  # the last of them two seconds before its answer
        code = await asyncio.to_thread(pair.stop)
        answers = await asyncio.gather(*requests)
    assert code == 0
    assert {answer.status_code for answer in answers} == {200, 201}
    for answer in answers:
        if "text/event-stream" in answer.headers["content-type"]:
            assert events(answer.text)[-1][0] == "done"


async def test_under_a_load_that_goes_on_nothing_is_cut(pair: Service, user: str) -> None:
    """Neither on kept connections nor on those that wait in the kernel's queue."""
    flood = Flood(pair.port, user, clients=32)
    load = asyncio.create_task(flood.run())
    await flood.under_way.wait()
    before = flood.tally.answered
    code = await asyncio.to_thread(pair.stop)
    await load
    print(f"\nSIGTERM under load: {flood.tally}, {flood.tally.answered - before} after the signal")
    assert code == 0
    assert flood.tally.cut == 0
    assert flood.tally.statuses == {201}


def test_the_end_of_one_worker_does_not_keep_anybody_out(pair: Service, user: str) -> None:
    """uvicorn ends single workers to restart them (SIGHUP); the others have the same socket."""
    worker = int(re.findall(r"Started server process \[(\d+)\]", pair.text())[0])
    os.kill(worker, signal.SIGTERM)
    deadline = time.monotonic() + 30
    while f"Finished server process [{worker}]" not in pair.text():
        assert time.monotonic() < deadline
        with pair.client(user) as client:
            assert client.get(f"/api/{user}/tasks").status_code == 200
    for _ in range(5):
        with pair.client(user) as client:
            assert client.get(f"/api/{user}/tasks").status_code == 200


@pytest.mark.parametrize("pair", ["1"], indirect=True)
async def test_what_takes_too_long_is_ended_cleanly(
    pair: Service, model: ModelServer, user: str
) -> None:
    model.say(forever=Reply(text=" ".join(["word"] * 300), pause=0.1))
    content = [{"type": "input_text", "text": "hello"}]
    kit = {"input": {"content": content, "attachments": [], "inference_options": {}}}
    async with pair.async_client(user) as client, asyncio.TaskGroup() as group:
        plain = group.create_task(client.post(f"/api/{user}/chat", json={"message": "x"}))
        stream = group.create_task(client.post(f"/api/{user}/chat/stream", json={"message": "x"}))
        chatkit = group.create_task(
            client.post("/chatkit", json={"type": "threads.create", "params": kit})
        )
        await model.asked(3)
        started = time.monotonic()
        assert await asyncio.to_thread(pair.stop) == 0
        assert time.monotonic() - started < 10
    problem(plain.result(), 503)
    name, data = events(stream.result().text)[-1]
    assert (name, data["status"]) == ("error", 503)
    _, last = events(chatkit.result().text)[-1]
    assert (last["type"], last["message"]) == ("error", "The server is restarting.")


def test_an_idle_server_ends_at_once(pair: Service) -> None:
    with pair.client() as client:
        client.get("/health")
        started = time.monotonic()
        assert pair.stop() == 0
        assert time.monotonic() - started < 5
