"""The database: probes, migrations, a server that goes away."""

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import todo.database
from sqlalchemy import text
from todo.database import Database
from todo.problems import Problem
from todo.schema import REVISIONS
from todo.tasks.models import TaskIn
from todo.tasks.store import TaskFilter, TaskStore

from tests.app.client import create, problem, titles
from tests.app.postgres import Postgres
from tests.app.service import Service, environment, migrate

NO_DATABASE = "postgresql://nobody:fake-password-not-to-be-logged@127.0.0.1:1/none"


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
            url = NO_DATABASE.replace(":1/", f":{silent.getsockname()[1]}/")
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

    def test_without_a_database_they_say_so_in_one_line(self) -> None:
        with pytest.raises(RuntimeError) as raised:
            migrate(NO_DATABASE)
        assert "cannot migrate: the database can't be reached" in str(raised.value)
        assert "Traceback" not in str(raised.value)

    def test_they_can_be_undone(self, postgres: Postgres) -> None:
        url = postgres.url(postgres.create_database())
        migrate(url)
        migrate(url, "downgrade", "base")
        migrate(url)

    async def test_two_at_once_do_not_collide(self, postgres: Postgres) -> None:
        url = postgres.url(postgres.create_database())
        await asyncio.gather(*(asyncio.to_thread(migrate, url) for _ in range(2)))
        assert f"{REVISIONS[-1]} (head)" in migrate(url, "current").stdout


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
        assert service.errors() == []


class Proxy:
    """Between the service and its database. Like a NAT it may forget connections without a word."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.forget()
        self._server.close()
        for writer in self._writers:
            writer.close()

    def forget(self) -> None:
        """Relay nothing more on the connections there are, and leave them open."""
        for task in self._tasks:
            task.cancel()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        there, back = await asyncio.open_connection("127.0.0.1", self.target)
        self._writers.append(back)
        for source, sink in ((reader, back), (there, writer)):
            self._tasks.add(asyncio.create_task(self._pump(source, sink)))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            sink.write(data)


class TestPool:
    """The pool by itself, with a real server."""

    async def test_a_connection_that_was_forgotten_is_replaced(
        self, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(todo.database, "PING_AFTER", 0.0)
        monkeypatch.setattr(todo.database, "PING_TIMEOUT", 0.5)
        async with Proxy(postgres.port) as proxy:
            url = postgres.url().replace(f":{postgres.port}/", f":{proxy.port}/")
            database = Database(url)
            for forgotten in (False, True, False):
                if forgotten:
                    proxy.forget()
                async with asyncio.timeout(5), database.single() as session:
                    assert await session.scalar(text("SELECT 1")) == 1
            await database.close()

    async def test_the_urls_parameters_reach_the_server(self, postgres: Postgres) -> None:
        packet = "options=-c%20statement_timeout%3D1234&application_name=me"
        database = Database(f"{postgres.url()}?{packet}&target_session_attrs=read-write")
        async with database.single() as session:
            assert await session.scalar(text("SHOW statement_timeout")) == "1234ms"
            assert await session.scalar(text("SHOW application_name")) == "me"
        await database.close()

    async def test_one_statement_needs_no_transaction_and_two_do(self, postgres: Postgres) -> None:
        database = Database(postgres.url())
        for opened, alike in ((database.single, False), (database.transaction, True)):
            async with opened() as session:
                first = await session.scalar(text("SELECT now()"))
                second = await session.scalar(text("SELECT now()"))
                assert (first == second) is alike
        await database.close()

    async def test_an_error_undoes_the_transaction(self, postgres: Postgres, user: str) -> None:
        database = Database(postgres.url())

        async def fail_in_the_middle() -> None:
            async with database.transaction() as session:
                store = TaskStore(session, user)
                await store.add(TaskIn(title="gone"))
                await store.get(0)

        with pytest.raises(Problem, match="no task 0"):
            await fail_in_the_middle()
        async with database.single() as session:
            assert await TaskStore(session, user).find(TaskFilter()) == []
        await database.close()

    async def test_no_free_connection_is_503_and_a_slow_statement_504(
        self, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in (("POOL_SIZE", 1), ("POOL_OVERFLOW", 0), ("POOL_TIMEOUT", 0.2)):
            monkeypatch.setattr(todo.database, name, value)
        monkeypatch.setattr(todo.database, "COMMAND_TIMEOUT", 2.0)
        database = Database(postgres.url())
        async with database.single():
            pass

        async def sleep(seconds: float) -> None:
            async with database.single() as session:
                await session.scalar(text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})

        with pytest.raises(Problem) as slow:
            await sleep(60)
        assert slow.value.status == 504
        async with database.single() as session:
            await session.scalar(text("SELECT 1"))
            with pytest.raises(Problem) as full:
                await sleep(0)
        assert full.value.status == 503
        await database.close()
