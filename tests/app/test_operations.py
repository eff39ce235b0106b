"""Limits, logs, metrics, and what the service needs while nobody uses it."""

import json
import os
import socket
import time
from pathlib import Path

import httpx2
import pytest

from tests.app import bearer
from tests.app.client import problem
from tests.app.model import ModelServer
from tests.app.postgres import Postgres
from tests.app.service import SECRETS, Service, environment, memory


class TestLimits:
    def test_requests_of_one_user(self, postgres: Postgres, logs: Path, user: str) -> None:
        settings = environment(postgres.url(), RATE_LIMIT_PER_MINUTE="2")
        with (
            Service(settings, logs / "limited.log") as service,
            service.client(user) as client,
            service.client("other") as other,
        ):
            answers = [client.get(f"/api/{user}/tasks") for _ in range(3)]
            assert [answer.status_code for answer in answers] == [200, 200, 429]
            assert int(problem_retry(answers[-1])) > 0
            assert other.get("/api/other/tasks").status_code == 200

    def test_chat_turns_over_all_workers(
        self, postgres: Postgres, model: ModelServer, logs: Path, user: str
    ) -> None:
        settings = environment(postgres.url(), OPENAI_BASE_URL=model.url, CHAT_LIMIT_PER_MINUTE="3")
        with Service(settings, logs / "chat-limited.log", workers=2) as service:
            minute, codes = 0.0, [0]
            while minute != time.time() // 60:  # else a new count has begun in between
                minute, codes = time.time() // 60, []
                user = f"{user}x"
                for _ in range(6):
                    with service.client(user) as client:  # a new connection: any worker
                        answer = client.post(f"/api/{user}/chat", json={"message": "hi"})
                        codes.append(answer.status_code)
        assert sorted(codes) == [200] * 3 + [429] * 3

    def test_a_body_that_does_not_come(self, service: Service) -> None:
        with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
            token = bearer.token("alice")
            connection.sendall(
                b"POST /api/alice/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Content-Length: 100\r\nAuthorization: Bearer " + token.encode() + b"\r\n\r\n{"
            )
            assert connection.recv(100).startswith(b"HTTP/1.1 408")


def problem_retry(answer: httpx2.Response) -> str:
    problem(answer, 429)
    return answer.headers["retry-after"]


class TestLogsAndMetrics:
    def test_every_line_of_a_worker_is_json(self, service: Service, user: str) -> None:
        with service.client(user) as client:
            answer = client.post(f"/api/{user}/tasks", json={"title": "do not log this title"})
        identifier = answer.headers["x-request-id"]
        deadline = time.monotonic() + 30
        while identifier not in service.text() and time.monotonic() < deadline:
            time.sleep(0.05)  # the line follows the answer
        lines = [json.loads(line) for line in service.text().splitlines() if line[:1] == "{"]
        (request,) = [line for line in lines if line.get("request_id") == identifier]
        assert (request["message"], request["status"]) == ("request", 201)
        assert request["route"] == "/api/{user_id}/tasks"
        assert "do not log" not in service.text()
        assert user not in service.text()

    def test_with_the_log_configuration_the_supervisor_writes_json_too(
        self, postgres: Postgres, logs: Path
    ) -> None:
        settings = environment(postgres.url(), UVICORN_LOG_CONFIG="logging.json")
        with Service(settings, logs / "json.log", workers=2) as service:
            pass
        lines = service.text().splitlines()
        assert any("Started parent process" in json.loads(line)["message"] for line in lines)

    def test_metrics_add_up_over_workers(self, postgres: Postgres, logs: Path, user: str) -> None:
        settings = environment(postgres.url(), METRICS_TOKEN=SECRETS["METRICS_TOKEN"])
        with Service(settings, logs / "metrics.log", workers=2) as service:
            for _ in range(8):
                with service.client(user) as client:
                    assert client.get(f"/api/{user}/tasks").status_code == 200
            with service.client() as client:
                problem(client.get("/metrics"), 401)
                token = {"Authorization": f"Bearer {SECRETS['METRICS_TOKEN']}"}
                text = client.get("/metrics", headers=token).text
        expected = 'http_requests_total{method="GET",route="/api/{user_id}/tasks",status="200"} 8.0'
        assert expected in text
        assert user not in text

    def test_without_a_token_there_are_none(self, postgres: Postgres, logs: Path) -> None:
        settings = environment(postgres.url())
        with Service(settings, logs / "plain.log") as service, service.client() as client:
            problem(client.get("/metrics"), 404)


class TestFootprint:
    """Generous bounds of time, for a busy machine; `load.py` measures."""

    @pytest.mark.skipif("TODO_TEST_WRAPPER" in os.environ, reason="what measures needs memory too")
    def test_it_is_small_until_somebody_uses_it(
        self, postgres: Postgres, logs: Path, user: str
    ) -> None:
        settings = environment(postgres.url())
        with Service(settings, logs / "bytecode.log", workers=2) as service:
            wait_until_ready(service)  # and the bytecode is written
        with Service(settings, logs / "footprint.log", workers=2) as service:
            assert service.start_seconds < 15
            wait_until_ready(service)
            resident, proportional = (sum(memory(service, kind)) for kind in ("Rss", "Pss"))
            print(f"\nat rest: {resident:.0f} MB resident, {proportional:.0f} MB proportional")
            assert resident < 210
            assert proportional < 200
            assert LOADED not in service.text()
            with service.client(user) as client:
                client.get(f"/api/{user}/tasks")
                deadline = time.monotonic() + 60
                while LOADED not in service.text() and time.monotonic() < deadline:
                    assert client.get("/health").elapsed.total_seconds() < 2
            assert LOADED in service.text()

    def test_or_it_warms_up_by_itself(self, postgres: Postgres, logs: Path) -> None:
        settings = environment(postgres.url(), WARM_UP="start")
        with Service(settings, logs / "warm.log", workers=2) as service:
            deadline = time.monotonic() + 60
            while service.text().count(LOADED) < 2 and time.monotonic() < deadline:
                time.sleep(0.1)
            assert service.text().count(LOADED) == 2


LOADED = "the SDKs are loaded"


def wait_until_ready(service: Service) -> None:
    """Until every worker has answered that it is."""
    for _ in range(20):  # each on a new connection, which any worker may take
        with service.client() as client:
            assert client.get("/ready").status_code == 200
