"""What a client of the service does and sees."""

import json
from typing import Any

import httpx2

from tests.app.service import secrets_in


def create(client: httpx2.Client, user: str, **task: object) -> dict[str, object]:
    answer = client.post(f"/api/{user}/tasks", json=task)
    assert answer.status_code == 201, answer.text
    created: dict[str, object] = answer.json()
    return created


def titles(client: httpx2.Client, user: str, **query: object) -> list[str]:
    answer = client.get(f"/api/{user}/tasks", params={k: str(v) for k, v in query.items()})
    assert answer.status_code == 200, answer.text
    return [task["title"] for task in answer.json()["items"]]


def problem(answer: httpx2.Response, status: int) -> dict[str, object]:
    """The problem details that the answer has to be."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert not secrets_in(answer.text)
    body: dict[str, object] = answer.json()
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


def say(
    client: httpx2.Client, user: str, message: str, conversation: str | None = None, **more: Any
) -> httpx2.Response:
    body = {"message": message} | ({"conversation_id": conversation} if conversation else {})
    return client.post(f"/api/{user}/chat", json=body, **more)


def events(text: str) -> list[tuple[str, Any]]:
    """The server-sent events of a stream: name and data."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" in fields:
            found.append((fields.get("event", "message"), json.loads(fields["data"])))
    return found
