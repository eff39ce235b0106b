"""What the tests of the backend share: a real Postgres, a scripted model, the running service."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.model import ModelServer
from tests.app.postgres import Postgres
from tests.app.service import SECRETS, Service, environment, migrate, secrets_in


@pytest.fixture
def user() -> str:
    """A user of the test's own."""
    return f"user-{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A running server with the schema of this version."""
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    server.start()
    migrate(server.url())
    yield server
    server.stop()


@pytest.fixture(scope="session")
def model() -> Iterator[ModelServer]:
    """A running model that says what a test tells it to."""
    with ModelServer() as server:
        yield server


@pytest.fixture(autouse=True)
def _fresh_model(request: pytest.FixtureRequest) -> None:
    if "model" in request.fixturenames:
        request.getfixturevalue("model").reset()


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where services log."""
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="session", autouse=True)
def _no_secret_in_any_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Set up before every other fixture of the session, so that all services have ended."""
    yield
    for log in Service.logs:
        found = secrets_in(log.read_text(encoding="utf-8"))
        assert not found, f"{log.name} holds {found}"


@pytest.fixture(scope="session")
def service(postgres: Postgres, model: ModelServer, logs: Path) -> Iterator[Service]:
    """The service with one worker and generous limits: no speed of the machine may fail a test."""
    settings = environment(
        postgres.url(),
        OPENAI_BASE_URL=model.url,
        CHAT_LIMIT_PER_MINUTE="1000",
        RATE_LIMIT_PER_MINUTE="100000",
        CHAT_TIMEOUT_SECONDS="100",
        MODEL_TIMEOUT_SECONDS="50",
        METRICS_TOKEN=SECRETS["METRICS_TOKEN"],
    )
    with Service(settings, logs / "service.log") as running:
        yield running
