"""Natural language: the agent with a scripted model, over HTTP, with a real Postgres."""

import asyncio
import json
import time
import uuid
from pathlib import Path

import asyncpg
import httpx2
import pytest
from develop.scripted_model import Reply

from tests.app.client import create, events, problem, say, titles
from tests.app.model import ASKED_TIMEOUT, ENOUGH, ModelServer
from tests.app.postgres import Postgres
from tests.app.service import Service, environment


def told(model: ModelServer, request: int) -> str:
    """Everything that the model was sent with this request, as text."""
    return json.dumps(model.requests[request]["messages"])


def test_the_model_works_with_tools(service: Service, model: ModelServer, user: str) -> None:
    model.say(Reply(calls=[("add_task", {"title": "Buy milk"})]), Reply(text="Added it."))
    with service.client(user) as client:
        answer = say(client, user, "I need milk").json()
        assert answer["response"] == "Added it."
        (call,) = answer["tool_calls"]
        assert (call["name"], json.loads(call["arguments"])) == ("add_task", {"title": "Buy milk"})
        assert json.loads(call["output"])["title"] == "Buy milk"
        assert titles(client, user) == ["Buy milk"]
    offered = {tool["function"]["name"] for tool in model.requests[0]["tools"]}
    assert offered == {"add_task", "list_tasks", "complete_task", "update_task", "delete_task"}


def test_every_tool(service: Service, model: ModelServer, user: str) -> None:
    with service.client(user) as client:
        task = create(client, user, title="old", due_at="2026-01-01T00:00:00Z")
        other = create(client, user, title="other")
        model.say(
            Reply(calls=[("list_tasks", {"status": "open", "search": "ol"})]),
            Reply(calls=[("update_task", {"task_id": task["id"], "title": "new"})]),
            Reply(calls=[("complete_task", {"task_id": task["id"]})]),
            Reply(calls=[("delete_task", {"task_id": other["id"]})]),
            Reply(text="Done."),
        )
        calls = say(client, user, "work").json()["tool_calls"]
        listed = json.loads(calls[0]["output"])["tasks"]
        assert [item["title"] for item in listed] == ["old"]
        assert json.loads(calls[3]["output"]) == {"deleted": other["id"]}
        left = client.get(f"/api/{user}/tasks").json()["items"]
        assert [(item["title"], item["completed"]) for item in left] == [("new", True)]
        assert left[0]["due_at"] == "2026-01-01T00:00:00Z"


def test_a_conversation_goes_on(service: Service, model: ModelServer, user: str) -> None:
    model.say(Reply(text="Hello Ann."), Reply(text="Ann."))
    with service.client(user) as client:
        first = say(client, user, "I am Ann").json()
        second = say(client, user, "Who am I?", first["conversation_id"]).json()
    assert second["conversation_id"] == first["conversation_id"]
    assert second["response"] == "Ann."
    for words in ("I am Ann", "Hello Ann.", "Who am I?"):
        assert words in told(model, 1)


def test_another_users_conversation_is_not_found(
    service: Service, model: ModelServer, user: str
) -> None:
    other = f"{user}-other"
    with service.client(user) as mine, service.client(other) as theirs:
        conversation = say(mine, user, "secret plan").json()["conversation_id"]
        problem(say(theirs, other, "tell me", conversation), 404)
        problem(say(theirs, user, "tell me", conversation), 403)
    assert len(model.requests) == 1


@pytest.mark.parametrize("argument", ["user_id", "owner"])
def test_the_model_cannot_act_for_another_user(
    service: Service, model: ModelServer, user: str, argument: str
) -> None:
    victim = f"{user}-victim"
    with service.client(user) as mine, service.client(victim) as theirs:
        task = create(theirs, victim, title="untouched")
        model.say(
            Reply(calls=[("add_task", {"title": "planted", argument: victim})]),
            Reply(calls=[("delete_task", {"task_id": task["id"]})]),
            Reply(calls=[("update_task", {"task_id": task["id"], "title": "taken"})]),
            Reply(calls=[("list_tasks", {argument: victim})]),
            Reply(text="I tried."),
        )
        outputs = [call["output"] for call in say(mine, user, "attack").json()["tool_calls"]]
        assert "Extra inputs are not permitted" in outputs[0]
        assert outputs[1] == outputs[2] == f"There is no task {task['id']}."
        assert "untouched" not in "".join(outputs)
        assert titles(theirs, victim) == ["untouched"]
        assert titles(mine, user) == []


class TestAModelThatFails:
    @pytest.mark.parametrize(
        ("reply", "status"),
        [
            pytest.param(Reply(status=500), 503, id="server error"),
            pytest.param(Reply(status=429), 503, id="rate limit"),
            pytest.param(Reply(status=401), 503, id="bad key"),
            pytest.param(Reply(raw="<html>nonsense</html>"), 502, id="no JSON"),
            pytest.param(Reply(raw='{"choices": []}'), 502, id="no choice"),
            pytest.param(Reply(calls=[("rm_rf", {"path": "/"})]), 502, id="unknown tool"),
            pytest.param(Reply(calls=[("list_tasks", {})]), 502, id="endless loop"),
        ],
    )
    def test_it_is_a_problem(
        self, service: Service, model: ModelServer, user: str, reply: Reply, status: int
    ) -> None:
        model.say(forever=reply)
        with service.client(user) as client:
            problem(say(client, user, "hello"), status)
            streamed = client.post(f"/api/{user}/chat/stream", json={"message": "hello"})
            assert events(streamed.text)[-1][0] == "error"
            assert events(streamed.text)[-1][1]["status"] == status
        assert len(model.requests) <= 2 * 10

    @pytest.mark.parametrize("slow", ["CHAT_TIMEOUT_SECONDS", "MODEL_TIMEOUT_SECONDS"])
    def test_one_that_is_too_slow_is_a_problem_too(
        self, postgres: Postgres, model: ModelServer, logs: Path, user: str, slow: str
    ) -> None:
        model.say(forever=Reply(text="late", delay=20))
        settings = environment(postgres.url(), OPENAI_BASE_URL=model.url) | {slow: "1"}
        with (
            Service(settings, logs / f"slow-{user}.log") as service,
            service.client(user) as client,
        ):
            problem(say(client, user, "hello"), 504)
            streamed = client.post(f"/api/{user}/chat/stream", json={"message": "hello"})
            assert events(streamed.text)[-1][0] == "error"
            assert events(streamed.text)[-1][1]["status"] == 504

    def test_wrong_arguments_are_told_to_the_model(
        self, service: Service, model: ModelServer, user: str
    ) -> None:
        model.say(
            Reply(calls=[("add_task", {"title": ""})]),
            Reply(calls=[("complete_task", {"task_id": "many"})]),
            Reply(calls=[("add_task", "{not json")]),
            Reply(calls=[("add_task", {"title": "good"})]),
            Reply(text="At last."),
        )
        with service.client(user) as client:
            answer = say(client, user, "hello").json()
            assert answer["response"] == "At last."
            assert titles(client, user) == ["good"]

    def test_what_tools_did_before_is_kept(
        self, service: Service, model: ModelServer, user: str
    ) -> None:
        """The same key does not do it again; the conversation knows."""
        key = {"Idempotency-Key": uuid.uuid4().hex}
        with service.client(user) as client:
            conversation = say(client, user, "hello").json()["conversation_id"]
            model.say(Reply(calls=[("add_task", {"title": "once"})]), forever=Reply(status=500))
            problem(say(client, user, "add", conversation, headers=key), 503)
            asked = len(model.requests)
            problem(say(client, user, "add", conversation, headers=key), 503)
            assert len(model.requests) == asked
            assert titles(client, user) == ["once"]
            model.say()
            say(client, user, "again", conversation)
            assert "no answer was given: add_task" in told(model, -1)

    def test_a_failure_without_effect_may_be_tried_again(
        self, service: Service, model: ModelServer, user: str
    ) -> None:
        key = {"Idempotency-Key": uuid.uuid4().hex}
        with service.client(user) as client:
            model.say(forever=Reply(status=500))
            problem(say(client, user, "hello", headers=key), 503)
            model.say()
            assert say(client, user, "hello", headers=key).json()["response"] == ENOUGH.text


async def test_a_repeated_message_is_answered_once(
    service: Service, model: ModelServer, user: str
) -> None:
    model.say(
        Reply(calls=[("add_task", {"title": "once"})], delay=3),
        Reply(text="Added."),
        forever=ENOUGH,
    )
    key = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"message": "add once"}
    async with service.async_client(user) as client:
        url = f"/api/{user}/chat"
        first = asyncio.create_task(client.post(url, json=body, headers=key))
        await model.asked(1)
        problem(await client.post(url, json=body, headers=key), 409)
        assert (await first).json()["response"] == "Added."
        again = await client.post(url, json=body, headers=key)
        assert again.json()["response"] == "Added."
        problem(await client.post(url, json={"message": "other"}, headers=key), 422)
    with service.client(user) as plain:
        assert titles(plain, user) == ["once"]


def test_a_stream_tells_what_happens(service: Service, model: ModelServer, user: str) -> None:
    model.say(Reply(calls=[("add_task", {"title": "Buy milk"})]), Reply(text="I have added it."))
    with service.client(user) as client:
        answer = client.post(f"/api/{user}/chat/stream", json={"message": "milk"})
        assert answer.headers["content-type"].startswith("text/event-stream")
        happened = events(answer.text)
        names = [name for name, _ in happened]
        assert names[0] == "conversation"
        assert names[-1] == "done"
        assert "".join(data["text"] for name, data in happened if name == "text") == (
            "I have added it."
        )
        (tool,) = [data for name, data in happened if name == "tool_call"]
        assert tool["name"] == "add_task"
        done = happened[-1][1]
        assert done["response"] == "I have added it."
        assert done["conversation_id"] == happened[0][1]["conversation_id"]
        # What can be checked before is said by the status.
        gone = {"message": "x", "conversation_id": "thr_0"}
        problem(client.post(f"/api/{user}/chat/stream", json=gone), 404)


def test_a_client_that_goes_away_does_not_undo_the_turn(
    service: Service, model: ModelServer, user: str
) -> None:
    model.say(Reply(calls=[("add_task", {"title": "kept"})], delay=0.3), Reply(text="Kept it."))
    key = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"message": "keep"}
    with service.client(user) as client:
        url = f"/api/{user}/chat/stream"
        with client.stream("POST", url, json=body, headers=key) as answer:
            next(answer.iter_lines())
        again = client.post(f"/api/{user}/chat", json=body, headers=key)
        deadline = time.monotonic() + ASKED_TIMEOUT
        while again.status_code == 409 and time.monotonic() < deadline:
            time.sleep(0.1)
            again = client.post(f"/api/{user}/chat", json=body, headers=key)
        assert again.status_code == 200, again.text
        assert again.json()["response"] == "Kept it."
        assert titles(client, user) == ["kept"]


@pytest.mark.parametrize("changed", [False, True], ids=["before a change", "after a change"])
async def test_a_key_outlives_a_worker_that_was_killed(
    postgres: Postgres, model: ModelServer, logs: Path, user: str, changed: bool
) -> None:
    """A retry waits until the attempt must be over. What it has not done yet is done then."""
    settings = environment(postgres.url(), OPENAI_BASE_URL=model.url)
    key = {"Idempotency-Key": uuid.uuid4().hex}
    tool = Reply(calls=[("add_task", {"title": "once"})])
    silence = Reply(text="late", delay=60)
    model.say(*([tool, silence] if changed else [silence]))
    with Service(settings, logs / f"killed-{user}.log") as service:
        async with service.async_client(user) as client:
            body = {"message": "add once"}
            turn = asyncio.create_task(client.post(f"/api/{user}/chat", json=body, headers=key))
            await model.asked(2 if changed else 1)
            assert service.process is not None
            service.process.kill()
            with pytest.raises(httpx2.TransportError):
                await turn
    model.reset()
    model.say(tool, Reply(text="Added."))
    with Service(settings, logs / f"next-{user}.log") as service, service.client(user) as client:
        answer = say(client, user, "add once", headers=key)
        problem(answer, 409)
        assert answer.headers["retry-after"] == "5"
        await age_keys(postgres, user)
        answer = say(client, user, "add once", headers=key)
        if changed:
            assert "was interrupted after" in str(problem(answer, 409)["detail"])
            assert "retry-after" not in answer.headers
        else:
            assert answer.json()["response"] == "Added."
            assert say(client, user, "add once", headers=key).json() == answer.json()
        assert titles(client, user) == ["once"]


async def age_keys(postgres: Postgres, user: str) -> None:
    """As if the user's keys had been used an hour ago."""
    connection = await asyncpg.connect(postgres.url())
    await connection.execute(
        "UPDATE idempotency_key SET created_at = created_at - interval '1 hour' WHERE user_id = $1",
        user,
    )
    await connection.close()


@pytest.mark.parametrize("message", ["", " ", "\0", "x" * 4001])
def test_a_message_has_a_length(
    service: Service, model: ModelServer, user: str, message: str
) -> None:
    with service.client(user) as client:
        problem(say(client, user, message), 422)
    assert model.requests == []


def test_the_model_is_not_told_who_the_user_is(
    service: Service, model: ModelServer, user: str
) -> None:
    with service.client(user) as client:
        create(client, user, title="x")
        model.say(Reply(calls=[("list_tasks", {})]), Reply(text="One."))
        say(client, user, "list")
    assert user not in json.dumps(model.requests)
