"""The MCP server as other clients reach it, with the SDK's own client."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.app import bearer
from tests.app.client import create, problem, titles
from tests.app.service import PATIENCE, Service

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
ACCEPT = {"Accept": "application/json, text/event-stream"}


@asynccontextmanager
async def connected(service: Service, user: str, mode: str = "auto") -> AsyncGenerator[Client]:
    http = httpx2.AsyncClient(headers=bearer.headers(user), timeout=PATIENCE)
    transport = streamable_http_client(f"{service.url}/mcp", http_client=http)
    async with http, Client(transport, mode=mode) as client:
        yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_works_with_the_tools(service: Service, user: str, mode: str) -> None:
    async with connected(service, user, mode) as client:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == {
            "add_task",
            "list_tasks",
            "complete_task",
            "update_task",
            "delete_task",
        }
        for tool in tools:
            assert not {"user", "user_id", "owner"} & set(tool.input_schema["properties"])
        added: Any = (await client.call_tool("add_task", {"title": "Milk"})).structured_content
        await client.call_tool("complete_task", {"task_id": added["id"]})
        listed: Any = (await client.call_tool("list_tasks", {})).structured_content
        assert [(task["title"], task["completed"]) for task in listed["tasks"]] == [("Milk", True)]
    with service.client(user) as rest:
        assert titles(rest, user) == ["Milk"]


async def test_the_user_is_the_tokens(service: Service, user: str) -> None:
    victim = f"{user}-victim"
    with service.client(victim) as rest:
        task = create(rest, victim, title="untouched")
    async with connected(service, user) as client:
        for name, arguments in (
            ("delete_task", {"task_id": task["id"]}),
            ("add_task", {"title": "planted", "user_id": victim}),
            ("no_such_tool", {}),
            ("add_task", {"title": "\0"}),
        ):
            result = await client.call_tool(name, arguments)
            assert result.is_error, name
    with service.client(victim) as rest:
        assert titles(rest, victim) == ["untouched"]


@pytest.mark.parametrize(
    "token", [None, "nonsense", bearer.token("alice", secret="x" * 32)], ids=str
)
def test_without_a_valid_token_nothing(service: Service, token: str | None) -> None:
    headers = ACCEPT | ({"Authorization": f"Bearer {token}"} if token else {})
    with service.client() as client:
        refused = client.post("/mcp", json=LIST, headers=headers)
    problem(refused, 401)
    assert refused.headers["www-authenticate"].startswith("Bearer")


def test_it_keeps_no_session(service: Service, user: str) -> None:
    with service.client(user) as client:
        answer = client.post("/mcp", json=LIST, headers=ACCEPT)
        assert answer.status_code == 200
        assert "mcp-session-id" not in answer.headers
        problem(client.get("/mcp", headers=ACCEPT), 405)


def test_too_large_a_body_is_refused(service: Service, user: str) -> None:
    with service.client(user) as client:
        body = json.dumps(LIST | {"padding": "x" * 70_000})
        headers = ACCEPT | {"Content-Type": "application/json"}
        problem(client.post("/mcp", content=body, headers=headers), 413)
