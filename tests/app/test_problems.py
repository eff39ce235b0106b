"""Every error is problem details, whatever was sent; and none shows a secret or an internal."""

import json
import socket
from typing import Any

import pytest

from tests.app.client import create, problem
from tests.app.service import Service

JSON = {"Content-Type": "application/json"}
MCP = JSON | {"Accept": "application/json, text/event-stream"}
DEEP = b"[" * 30_000


@pytest.fixture(scope="module", autouse=True)
def errors_before(service: Service) -> int:
    """How many there are from other tests of the same session."""
    return len(service.errors())


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/docs", 404),
        ("DELETE", "/health", 405),
        ("OPTIONS", "/api/{user}/tasks", 405),
        ("TRACE", "/api/{user}/tasks", 405),
        ("PURGE", "/health", 405),
        ("GET", "/chatkit", 405),
        ("GET", "/mcp", 405),
        ("DELETE", "/mcp", 405),
        ("GET", "/api/%00/tasks", 403),
        ("GET", "/api/%ff/tasks", 403),
        ("GET", "/api/{user}/tasks/0", 422),
        ("GET", "/api/{user}/tasks/99999999999999999999", 422),
        ("GET", "/api/{user}/tasks/" + "9" * 4400, 422),
        ("GET", "/api/{user}/tasks?offset=99999999999", 422),
        ("GET", "/api/{user}/tasks?due_before=9999-12-31T23:59:59-23:59", 422),
    ],
)
def test_odd_paths_and_methods(
    service: Service, user: str, method: str, path: str, status: int
) -> None:
    with service.client(user) as client:
        answer = client.request(method, path.format(user=user))
    problem(answer, status)
    assert (status == 405) == ("allow" in answer.headers)


def test_head_has_a_problems_headers_alone(service: Service) -> None:
    with service.client() as client:
        answer = client.head("/health")
    assert (answer.status_code, answer.text) == (405, "")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["/api/{user}/tasks", "/api/{user}/chat", "/api/{user}/chat/stream"]
)
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        pytest.param(b'{"title": "x", "message": "x"}', "text/plain", 415, id="text"),
        pytest.param(b'{"title": "x", "message": "x"}', None, 415, id="no media type"),
        pytest.param(b"title=x", "application/x-www-form-urlencoded", 415, id="form"),
        pytest.param(b"<a/>", "application/xml", 415, id="XML"),
        pytest.param(b"{", "application/json", 422, id="half"),
        pytest.param(b"", "application/json", 422, id="nothing"),
        pytest.param(b"null", "application/json", 422, id="null"),
        pytest.param(DEEP, "application/json", 400, id="deep"),
        pytest.param(
            b'{"title":' + DEEP + b"]" * 30_000 + b"}", "application/json", 400, id="deep part"
        ),
        pytest.param(b'{"title": ' + b"9" * 5000 + b"}", "application/json", 400, id="huge number"),
        pytest.param(b'{"title": 1e999, "message": 1e999}', "application/json", 422, id="infinite"),
        pytest.param(b'{"title": "\xff"}', "application/json", 400, id="no UTF-8"),
        pytest.param(b"\x1f\x8b", "application/json", 400, id="compressed"),
    ],
)
def test_odd_bodies(
    service: Service, user: str, path: str, body: bytes, kind: str | None, status: int
) -> None:
    with service.client(user) as client:
        headers = {"Content-Type": kind} if kind else {}
        problem(client.post(path.format(user=user), content=body, headers=headers), status)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (DEEP, 422),
        (b"", 422),
        (b"\xff", 422),
        ({"type": "threads.get_by_id", "params": {"thread_id": "\0"}}, 422),
        ({"type": "threads.list", "params": {"after": "\\\0"}}, 422),
        ({"type": "threads.update", "params": {"thread_id": "x", "title": "\0"}}, 422),
        ({"type": "threads.list", "params": {"order": "up"}}, 422),
        ({"type": "threads.get_by_id", "params": {"thread_id": "\\u0000"}}, 404),
        ({"type": "threads.get_by_id", "params": {"thread_id": "x" * 5000}}, 404),
    ],
)
def test_odd_requests_of_chatkit(service: Service, user: str, request_: Any, status: int) -> None:
    body = request_ if isinstance(request_, bytes) else json.dumps(request_).encode()
    with service.client(user) as client:
        problem(client.post("/chatkit", content=body, headers=JSON), status)


def test_mcp_wants_json(service: Service, user: str) -> None:
    with service.client(user) as client:
        problem(
            client.post("/mcp", content=b"{}", headers=MCP | {"Content-Type": "text/plain"}), 415
        )


@pytest.mark.parametrize("body", [DEEP, b"", b"\xff", b"[]", b'{"method": "\\ud800"}'])
def test_odd_messages_are_errors_of_mcps_own(service: Service, user: str, body: bytes) -> None:
    with service.client(user) as client:
        answer = client.post("/mcp", content=body, headers=MCP)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] < 0


@pytest.mark.parametrize("task_id", [10**30, 0, -1, "1; DROP TABLE task", None, [1]])
def test_odd_arguments_of_a_tool(service: Service, user: str, task_id: Any) -> None:
    call = {"name": "complete_task", "arguments": {"task_id": task_id}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    with service.client(user) as client:
        result = client.post("/mcp", json=message, headers=MCP).json()["result"]
    assert result["isError"] is True
    assert result["content"][0]["text"].startswith("task_id: ")


def test_a_version_that_never_was_does_not_match(service: Service, user: str) -> None:
    with service.client(user) as client:
        task = create(client, user, title="x")
        url = f"/api/{user}/tasks/{task['id']}"
        problem(client.put(url, json={"title": "x"}, headers={"If-Match": '"0"'}), 412)


def test_after_all_that_no_error_is_in_the_log(service: Service, errors_before: int) -> None:
    """Above all no traceback: each of these was foreseen."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        connection.sendall(b"NONSENSE\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
    assert service.errors()[errors_before:] == []
