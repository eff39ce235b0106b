"""Releases side by side on one database: rolled out, rolled back, under load."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.script import ScriptDirectory
from migrations import compatibility
from todo.database import Database
from todo.schema import OLDEST_SCHEMA, REVISIONS

from tests.app.flood import Flood
from tests.app.postgres import Postgres
from tests.app.release import CONTRACT, EXPAND, Revision, build
from tests.app.service import APP, Service, environment, migrate

NEWEST = REVISIONS[-1]
OK = (200, {"ready": True, "database": "ok"})
OLDER = "schema older than the code: run the migration"
NEWER = "schema newer than the code and incompatible: run a newer release"
UNREACHABLE = '{"ready":false,"database":"unreachable"}'
CLIENTS = 6  # fewer than a worker's connections to the database
READY_TIMEOUT = 60.0  # seconds
# Leaves the database as code from before this record has migrated it.
FROM_BEFORE = "DROP TABLE compatible_code"
PRE_STOP = 0.5  # seconds between the last request and SIGTERM, of which a cluster has 5


@pytest.fixture(scope="module")
def migrated(postgres: Postgres) -> str:
    """The name of a database with the schema of this release."""
    name = postgres.create_database()
    migrate(postgres.url(name))
    return name


@pytest.fixture
def url(postgres: Postgres, migrated: str) -> str:
    """A copy of it."""
    return postgres.url(postgres.create_database(migrated))


@pytest.fixture(scope="module")
def expanded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The next release: it adds a column and uses it."""
    return build(tmp_path_factory.mktemp("expanded") / "app", EXPAND, uses_priority=True)


@pytest.fixture(scope="module")
def contracted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one after that: it relies on the column."""
    folder = tmp_path_factory.mktemp("contracted") / "app"
    return build(folder, EXPAND, CONTRACT, uses_priority=True)


def serving(url: str, logs: Path, app: Path = APP, workers: int = 1) -> Service:
    settings = environment(url, app, RATE_LIMIT_PER_MINUTE="1000000")
    return Service(settings, logs / f"{uuid.uuid4().hex}.log", workers=workers, app=app)


def readiness(service: Service) -> tuple[int, dict[str, object]]:
    with service.client() as client:
        answer = client.get("/ready")
        return answer.status_code, answer.json()


def not_ready(reason: str) -> tuple[int, dict[str, object]]:
    return 503, {"ready": False, "database": reason}


async def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    found = [tuple(row) for row in await connection.fetch(statement)]
    await connection.close()
    return found


async def state(url: str) -> str:
    """What /ready of this release says."""
    database = Database(url)
    said = await database.state()
    await database.close()
    return said


async def schema(url: str) -> tuple[str, set[str]]:
    """The schema's revision, and the code that works with it."""
    found = await rows(url, "SELECT version_num FROM alembic_version")
    codes = await rows(
        url,
        "SELECT code_revision FROM compatible_code"
        " WHERE schema_revision = (SELECT version_num FROM alembic_version)",
    )
    ((revision,),) = found
    return str(revision), {str(code) for (code,) in codes}


class Traffic:
    """Requests without a pause to the release that serves, and its readiness all the while."""

    def __init__(self, service: Service, user: str) -> None:
        self.service = service
        self.flood = Flood(service.port, user, CLIENTS)
        self.probed: list[tuple[int, str]] = []
        """Status and, if that is another than 200, answer of /ready and of the list of tasks."""
        self._user = user
        self._probing = asyncio.Lock()
        """Held while a probe is under way, which a service that ends would refuse."""

    async def goes_on(self, requests: int = 300) -> None:
        """Wait until so many more have been answered."""
        until = self.flood.tally.answered + requests
        deadline = time.monotonic() + READY_TIMEOUT
        while self.flood.tally.answered < until:
            assert time.monotonic() < deadline, self.flood.tally
            await asyncio.sleep(0.02)

    async def moves_to(self, service: Service) -> None:
        """As soon as that one is ready; the other is ended."""
        deadline = time.monotonic() + READY_TIMEOUT
        while (await asyncio.to_thread(readiness, service))[0] != 200:
            assert time.monotonic() < deadline, readiness(service)
            await asyncio.sleep(0.1)
        async with self._probing:
            before, self.service = self.service, service
        self.flood.port = service.port
        await asyncio.sleep(PRE_STOP)
        await asyncio.to_thread(before.stop)
        await self.goes_on()

    async def probe(self) -> None:
        while True:
            for path in ("/ready", f"/api/{self._user}/tasks?limit=1"):
                async with self._probing, self.service.async_client(self._user) as client:
                    answer = await client.get(path)
                self.probed.append(
                    (answer.status_code, "" if answer.status_code == 200 else answer.text)
                )
            await asyncio.sleep(0.02)


@asynccontextmanager
async def traffic(service: Service, user: str) -> AsyncGenerator[Traffic]:
    """Not one request may fail; ends whatever serves at the end of the block."""
    made = Traffic(service, user)
    load = asyncio.create_task(made.flood.run())
    probe = asyncio.create_task(made.probe())
    tally = made.flood.tally
    try:
        await made.goes_on()
        yield made
        assert not probe.done(), probe
        assert tally.refused == 0
    finally:
        print(f"\n{tally}; {len(made.probed)} probes")
        probe.cancel()
        await asyncio.to_thread(made.service.stop)
        await asyncio.wait({load, probe})
    assert tally.cut == 0
    assert tally.statuses == {201}
    # The probe has three seconds, which a busy machine may take for itself: that is no judgement
    # of the schema.
    assert set(made.probed) - {(503, UNREACHABLE)} == {(200, "")}


class TestUnderLoad:
    """What a cluster does: new pods start, the migration runs, old pods go."""

    async def test_a_release_that_expands_and_its_rollback(
        self, url: str, expanded: Path, logs: Path, user: str
    ) -> None:
        with (
            serving(url, logs, workers=2) as old,
            serving(url, logs, expanded) as new,
            serving(url, logs) as back,
        ):
            async with traffic(old, user) as requests:
                assert await asyncio.to_thread(readiness, new) == not_ready(OLDER)
                await asyncio.to_thread(migrate, url, app=expanded)
                assert await schema(url) == ("expand", {NEWEST, "expand"})
                await requests.goes_on()
                await requests.moves_to(new)
                # `kubectl rollout undo`, and then an apply of the old release, whose Job runs.
                await requests.moves_to(back)
                await asyncio.to_thread(migrate, url)
                assert await schema(url) == ("expand", {NEWEST, "expand"})
                await requests.goes_on()
            assert [service.errors() for service in (old, new, back)] == [[], [], []]
        filled = await rows(url, "SELECT count(priority) > 0, count(*) > count(priority) FROM task")
        assert filled == [(True, True)]

    async def test_a_release_that_contracts_and_its_rollback(
        self, url: str, expanded: Path, contracted: Path, logs: Path, user: str
    ) -> None:
        migrate(url, app=expanded)
        with (
            serving(url, logs, expanded, workers=2) as old,
            serving(url, logs, contracted) as new,
            serving(url, logs, expanded) as back,
        ):
            async with traffic(old, user) as requests:
                await asyncio.to_thread(migrate, url, app=contracted)
                assert await schema(url) == ("contract", {"expand", "contract"})
                await requests.goes_on()
                await requests.moves_to(new)
                await requests.moves_to(back)
            assert [service.errors() for service in (old, new, back)] == [[], [], []]

    async def test_a_release_that_works_with_the_schema_before_it(
        self, url: str, tmp_path: Path, logs: Path, user: str
    ) -> None:
        """It adds the column and leaves its use to the next."""
        early = build(tmp_path / "app", EXPAND, oldest_schema=NEWEST)
        with serving(url, logs) as old, serving(url, logs, early) as new:
            async with traffic(old, user) as requests:
                await requests.moves_to(new)
                assert await schema(url) == (NEWEST, {NEWEST})
                await asyncio.to_thread(migrate, url, app=early)
                await requests.goes_on()
                await asyncio.to_thread(migrate, url, "downgrade", NEWEST, app=early)
                await requests.goes_on()
            assert [service.errors() for service in (old, new)] == [[], []]


class TestIncompatible:
    async def test_code_that_a_contraction_has_ended(
        self, url: str, contracted: Path, logs: Path
    ) -> None:
        with serving(url, logs) as ended:
            assert readiness(ended) == OK
            migrate(url, app=contracted)
            assert readiness(ended) == not_ready(NEWER)
            with pytest.raises(RuntimeError) as raised:
                migrate(url)
            assert str(raised.value).splitlines()[-1] == (
                f"cannot migrate: the schema is at revision contract, which this code ({NEWEST})"
                " has not and does not work with: run a release that has it"
            )
            assert "Traceback" not in str(raised.value)
            assert await schema(url) == ("contract", {"expand", "contract"})
            # Undone, it works again.
            migrate(url, "downgrade", "expand", app=contracted)
            assert readiness(ended) == OK

    async def test_only_a_release_that_has_a_revision_can_undo_it(
        self, url: str, expanded: Path
    ) -> None:
        migrate(url, app=expanded)
        with pytest.raises(RuntimeError) as raised:
            migrate(url, "downgrade", "base")
        assert "undo it with the release that has it" in str(raised.value).splitlines()[-1]
        assert "Traceback" not in str(raised.value)
        assert await schema(url) == ("expand", {NEWEST, "expand"})

    async def test_a_schema_of_something_else(self, url: str) -> None:
        await rows(url, "UPDATE alembic_version SET version_num = 'foreign'")
        assert await state(url) == NEWER
        await rows(url, FROM_BEFORE)
        assert await state(url) == NEWER
        with pytest.raises(RuntimeError, match="cannot migrate: the schema is at revision foreign"):
            migrate(url)


class TestRecord:
    async def test_a_database_from_before_it(self, url: str, expanded: Path) -> None:
        await rows(url, FROM_BEFORE)
        assert await state(url) == "ok"
        migrate(url)
        assert await schema(url) == (NEWEST, {NEWEST})
        await rows(url, FROM_BEFORE)
        migrate(url, app=expanded)
        assert await schema(url) == ("expand", {NEWEST, "expand"})
        assert await state(url) == "ok"

    async def test_a_word_that_was_changed_later(self, url: str, tmp_path: Path) -> None:
        migrate(url, app=build(tmp_path / "hasty", EXPAND))
        careful = Revision("expand", oldest_code="expand")
        migrate(url, app=build(tmp_path / "careful", careful))
        assert await schema(url) == ("expand", {"expand"})

    async def test_a_migration_that_fails_leaves_it_as_it_was(
        self, url: str, tmp_path: Path
    ) -> None:
        fails = Revision("fails", oldest_code="fails", upgrade='op.execute("SELECT 1 / 0")')
        with pytest.raises(RuntimeError, match="division by zero"):
            migrate(url, app=build(tmp_path / "app", EXPAND, fails))
        assert await schema(url) == (NEWEST, {NEWEST})

    async def test_a_step_that_is_committed_alone_has_its_own(
        self, url: str, tmp_path: Path
    ) -> None:
        """An index is built CONCURRENTLY outside the transaction, which ends the one before."""
        alone = Revision(
            "alone",
            oldest_code=NEWEST,
            upgrade="with op.get_context().autocommit_block(): op.execute('SELECT 1 / 0')",
        )
        with pytest.raises(RuntimeError, match="division by zero"):
            migrate(url, app=build(tmp_path / "app", EXPAND, alone))
        assert await schema(url) == ("expand", {NEWEST, "expand"})
        assert await state(url) == "ok"

    def test_statements_for_another_hand_have_it(self, url: str, expanded: Path) -> None:
        printed = migrate(url, "upgrade", f"{NEWEST}:head", "--sql", app=expanded).stdout
        for code in (NEWEST, "expand"):
            assert f"VALUES ('expand', '{code}')" in printed

    def test_base_has_none(self, url: str) -> None:
        migrate(url, "downgrade", "base")
        assert asyncio.run(rows(url, "SELECT * FROM compatible_code")) == []


class TestRevisions:
    def test_each_of_this_release_says_its_oldest_code(self) -> None:
        said = compatibility.oldest_code(ScriptDirectory(str(APP / "migrations")))
        assert tuple(said) == REVISIONS
        assert OLDEST_SCHEMA in REVISIONS

    @pytest.mark.parametrize(
        ("revisions", "more", "line"),
        [
            ([Revision("new", None)], {}, "new.py: oldest_code has to be one of"),
            ([Revision("new", "newer")], {}, "not 'newer'"),
            ([Revision("new", "new"), Revision("back", NEWEST)], {}, "back.py: oldest_code has"),
            ([Revision("new", NEWEST)], {"listed": ()}, "REVISIONS in todo/schema.py"),
            ([], {"listed": ("new",)}, "REVISIONS in todo/schema.py"),
            (
                [Revision("one", NEWEST), Revision("two", NEWEST, follows=NEWEST)],
                {},
                "one after the other",
            ),
            ([EXPAND], {"oldest_schema": "other"}, "OLDEST_SCHEMA in todo/schema.py, other"),
        ],
        ids=["silent", "unknown", "taken back", "not listed", "no file", "two heads", "oldest"],
    )
    def test_a_contradiction_is_said(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        revisions: list[Revision],
        more: dict[str, Any],
        line: str,
    ) -> None:
        listed = more.get("listed", [revision.name for revision in revisions])
        monkeypatch.setattr(compatibility, "REVISIONS", (*REVISIONS, *listed))
        monkeypatch.setattr(compatibility, "OLDEST_SCHEMA", more.get("oldest_schema", NEWEST))
        app = build(tmp_path / "app", *revisions)
        with pytest.raises(compatibility.IncompatibleError) as raised:
            compatibility.oldest_code(ScriptDirectory(str(app / "migrations")))
        assert line in str(raised.value)

    async def test_a_revision_from_the_template_has_to_say_it(
        self, url: str, tmp_path: Path
    ) -> None:
        app = build(tmp_path / "app", listed=("new",))
        migrate(url, "revision", "--rev-id", "new", "-m", "new", app=app)
        with pytest.raises(RuntimeError) as raised:
            migrate(url, app=app)
        (line,) = [each for each in str(raised.value).splitlines() if "cannot migrate" in each]
        assert f"new_new.py: oldest_code has to be one of {', '.join(REVISIONS)}, new" in line
        assert "Traceback" not in str(raised.value)
        assert await schema(url) == (NEWEST, {NEWEST})
