"""SIGTERM: what is under way is answered, what takes too long is ended cleanly."""

import asyncio
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from develop.scripted_model import Reply

from tests.app.client import events, problem
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
    )
    with Service(settings, logs / f"pair-{uuid.uuid4().hex}.log", workers=2) as running:
        yield running


async def test_every_accepted_request_is_answered(
    pair: Service, model: ModelServer, user: str
) -> None:
    """SIGTERM while writes, chats and streams are under way."""
    model.say(forever=Reply(text="slow but sure", delay=0.7))
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
        await asyncio.sleep(0.5)
        code = await asyncio.to_thread(pair.stop)
        answers = await asyncio.gather(*requests)
    assert code == 0
    assert {answer.status_code for answer in answers} == {200, 201}
    for answer in answers:
        if "text/event-stream" in answer.headers["content-type"]:
            assert events(answer.text)[-1][0] == "done"


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
