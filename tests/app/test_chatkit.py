"""The ChatKit server protocol over HTTP."""

import json
from typing import Any

import httpx2
import pytest
from develop.scripted_model import Reply

from tests.app.client import events, problem, say, titles
from tests.app.model import ENOUGH, ModelServer
from tests.app.service import Service


def ask(client: httpx2.Client, kind: str, **params: Any) -> httpx2.Response:
    return client.post("/chatkit", json={"type": kind, "params": params})


def message(text: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {"content": content, "attachments": [], "inference_options": {}}


def streamed(answer: httpx2.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return [data for _, data in events(answer.text)]


def create_thread(client: httpx2.Client, text: str) -> tuple[str, list[dict[str, Any]]]:
    happened = streamed(ask(client, "threads.create", input=message(text)))
    thread_id: str = happened[0]["thread"]["id"]
    return thread_id, happened


def texts(thread: dict[str, Any]) -> list[str]:
    return [item["content"][0]["text"] for item in thread["items"]["data"]]


def test_a_thread_from_first_message_to_deletion(
    service: Service, model: ModelServer, user: str
) -> None:
    model.say(Reply(calls=[("add_task", {"title": "Milk"})]), Reply(text="Added."), Reply(text="2"))
    with service.client(user) as client:
        thread, happened = create_thread(client, "Add milk")
        kinds = [event["type"] for event in happened]
        assert kinds[:2] == ["thread.created", "thread.item.done"]
        assert kinds[-1] == "thread.item.done"
        assert happened[-1]["item"]["content"][0]["text"] == "Added."
        assert titles(client, user) == ["Milk"]

        streamed(ask(client, "threads.add_user_message", thread_id=thread, input=message("Next")))
        stored = ask(client, "threads.get_by_id", thread_id=thread).json()
        assert texts(stored) == ["Add milk", "Added.", "Next", "2"]
        assert "Added." in json.dumps(model.requests[-1]["messages"])

        page = ask(client, "items.list", thread_id=thread, limit=3, order="asc").json()
        assert page["has_more"] is True
        rest = ask(
            client, "items.list", thread_id=thread, limit=3, order="asc", after=page["after"]
        ).json()
        assert [item["content"][0]["text"] for item in rest["data"]] == ["2"]

        ask(client, "threads.update", thread_id=thread, title="Shopping")
        (listed,) = ask(client, "threads.list").json()["data"]
        assert (listed["id"], listed["title"]) == (thread, "Shopping")

        assert ask(client, "threads.delete", thread_id=thread).json() == {}
        assert ask(client, "threads.list").json()["data"] == []
        problem(ask(client, "threads.get_by_id", thread_id=thread), 404)


def test_threads_are_paged(service: Service, model: ModelServer, user: str) -> None:
    with service.client(user) as client:
        created = [create_thread(client, f"number {number}")[0] for number in range(3)]
        for order, expected in (("asc", created), ("desc", created[::-1])):
            first = ask(client, "threads.list", limit=2, order=order).json()
            assert first["has_more"] is True
            second = ask(client, "threads.list", limit=2, order=order, after=first["after"]).json()
            assert second["has_more"] is False
            assert [thread["id"] for thread in first["data"] + second["data"]] == expected


def test_an_answer_can_be_asked_for_again(service: Service, model: ModelServer, user: str) -> None:
    model.say(Reply(status=500), Reply(status=500), Reply(text="Better."))
    with service.client(user) as client:
        thread, happened = create_thread(client, "Hello")
        error = happened[-1]
        assert (error["type"], error["allow_retry"]) == ("error", True)
        assert error["message"] == "The model is unavailable."
        stored = ask(client, "threads.get_by_id", thread_id=thread).json()
        item = stored["items"]["data"][0]["id"]
        streamed(ask(client, "threads.retry_after_item", thread_id=thread, item_id=item))
        stored = ask(client, "threads.get_by_id", thread_id=thread).json()
        assert texts(stored) == ["Hello", "Better."]


def test_rest_and_chatkit_share_conversations(
    service: Service, model: ModelServer, user: str
) -> None:
    with service.client(user) as client:
        conversation = say(client, user, "over REST").json()["conversation_id"]
        stored = ask(client, "threads.get_by_id", thread_id=conversation).json()
        assert texts(stored) == ["over REST", ENOUGH.text]
        thread, _ = create_thread(client, "over ChatKit")
        assert say(client, user, "and REST", thread).json()["conversation_id"] == thread
        assert "over ChatKit" in json.dumps(model.requests[-1]["messages"])


def test_another_users_thread_is_not_found(service: Service, model: ModelServer, user: str) -> None:
    other = f"{user}-other"
    with service.client(user) as mine, service.client(other) as theirs:
        thread, _ = create_thread(mine, "secret plan")
        item = ask(mine, "threads.get_by_id", thread_id=thread).json()["items"]["data"][0]["id"]
        asked = len(model.requests)
        problem(ask(theirs, "threads.get_by_id", thread_id=thread), 404)
        problem(ask(theirs, "threads.add_user_message", thread_id=thread, input=message("x")), 404)
        problem(ask(theirs, "threads.retry_after_item", thread_id=thread, item_id=item), 404)
        problem(ask(theirs, "threads.update", thread_id=thread, title="mine"), 404)
        assert ask(theirs, "items.list", thread_id=thread).json()["data"] == []
        ask(theirs, "threads.delete", thread_id=thread)
        assert ask(theirs, "threads.list").json()["data"] == []
        assert len(model.requests) == asked
        stored = ask(mine, "threads.get_by_id", thread_id=thread).json()
        assert texts(stored) == ["secret plan", ENOUGH.text]


@pytest.mark.parametrize(
    ("kind", "params", "status"),
    [
        ("threads.create", {"input": message("")}, 422),
        ("threads.create", {"input": message("x" * 4001)}, 422),
        ("threads.create", {"input": message("x") | {"attachments": ["a"]}}, 400),
        ("attachments.create", {"name": "a", "size": 1, "mime_type": "text/plain"}, 400),
        ("input.transcribe", {"audio_base64": "", "mime_type": "audio/ogg"}, 400),
        ("threads.fly", {}, 422),
        ("threads.create", {}, 422),
    ],
)
def test_what_is_not_offered_is_refused(
    service: Service,
    model: ModelServer,
    user: str,
    kind: str,
    params: dict[str, Any],
    status: int,
) -> None:
    with service.client(user) as client:
        problem(ask(client, kind, **params), status)
    assert model.requests == []


def test_without_a_token_nothing(service: Service) -> None:
    with service.client() as client:
        problem(ask(client, "threads.list"), 401)
