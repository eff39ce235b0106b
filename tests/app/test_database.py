"""The database: probes, migrations, a server that goes away."""

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from todo.database import SCHEMA_REVISION

from tests.app.client import create, problem, titles
from tests.app.postgres import Postgres
from tests.app.service import Service, environment, migrate

NO_DATABASE = "postgresql://fake:fake@127.0.0.1:1/fake"


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[Postgres]:
    """A server that the test may stop."""
    server = Postgres(tmp_path)
    server.start()
    yield server
    server.stop()


class TestProbes:
    def test_without_a_database_it_lives_but_is_not_ready(self, logs: Path) -> None:
        with (
            Service(environment(NO_DATABASE), logs / "no-database.log", workers=2) as service,
            service.client("alice") as client,
        ):
            assert client.get("/health").json() == {"status": "ok"}
            answer = client.get("/ready")
            assert answer.status_code == 503
            assert answer.json() == {"ready": False, "database": "unreachable"}
            refused = client.get("/api/alice/tasks")
            problem(refused, 503)
            assert int(refused.headers["retry-after"]) > 0

    def test_a_silent_database_does_not_hold_up_the_probe(self, logs: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"postgresql://fake:fake@127.0.0.1:{silent.getsockname()[1]}/fake"
            with (
                Service(environment(url), logs / "silent.log") as service,
                service.client("alice") as client,
            ):
                started = time.monotonic()
                assert client.get("/ready").status_code == 503
                assert time.monotonic() - started < 5
                problem(client.get("/api/alice/tasks"), 504)

    def test_ready_with_the_schema(self, service: Service) -> None:
        with service.client() as client:
            assert client.get("/ready").json() == {"ready": True, "database": "ok"}
            assert client.get("/version").json() == {"version": "1.0.0"}

    def test_before_the_migrations_it_is_not_ready(self, postgres: Postgres, logs: Path) -> None:
        empty = postgres.create_database()
        with (
            Service(environment(postgres.url(empty)), logs / "empty.log") as service,
            service.client() as client,
        ):
            expected = {"ready": False, "database": "migrations missing"}
            assert client.get("/ready").json() == expected
            migrate(postgres.url(empty))
            assert client.get("/ready").json() == {"ready": True, "database": "ok"}


class TestMigrations:
    def test_they_make_what_the_tables_say(self, postgres: Postgres) -> None:
        assert "No new upgrade operations" in migrate(postgres.url(), "check").stdout

    def test_the_code_needs_the_newest(self, postgres: Postgres) -> None:
        assert f"{SCHEMA_REVISION} (head)" in migrate(postgres.url(), "heads").stdout

    def test_they_can_be_undone(self, postgres: Postgres) -> None:
        url = postgres.url(postgres.create_database())
        migrate(url)
        migrate(url, "downgrade", "base")
        migrate(url)

    async def test_two_at_once_do_not_collide(self, postgres: Postgres) -> None:
        url = postgres.url(postgres.create_database())
        await asyncio.gather(*(asyncio.to_thread(migrate, url) for _ in range(2)))
        assert "0001 (head)" in migrate(url, "current").stdout


class TestDatabaseThatGoesAway:
    def test_it_reconnects_by_itself(self, own_postgres: Postgres, logs: Path, user: str) -> None:
        migrate(own_postgres.url())
        with (
            Service(environment(own_postgres.url()), logs / "restart.log") as service,
            service.client(user) as client,
        ):
            create(client, user, title="before")
            own_postgres.stop()
            problem(client.get(f"/api/{user}/tasks"), 503)
            assert client.get("/health").status_code == 200
            assert client.get("/ready").status_code == 503
            own_postgres.start()
            assert titles(client, user) == ["before"]
            create(client, user, title="after")
        assert '"level": "error"' not in service.text()
