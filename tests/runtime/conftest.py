import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from load import layout
from load.engine import Engine

from tests.app.model import ModelServer
from tests.app.postgres import Postgres
from tests.runtime import engines


@pytest.fixture(scope="session")
def image() -> layout.Image:
    return layout.read(Path(os.environ["IMAGE"]).resolve())


type Maker = Callable[[Path | None], AbstractContextManager[Engine]]


@pytest.fixture(scope="session")
def maker() -> Iterator[Maker]:
    """Starts an engine of the kind under test; with a folder, its store is there."""
    makers: dict[str, Maker] = {
        "containerd": engines.containerd,
        "docker": engines.docker,
        "podman": engines.podman,
    }
    with pytest.MonkeyPatch.context() as patch:
        # Engines call programs of root's (iptables), which Bazel's PATH for tests lacks.
        patch.setenv("PATH", f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin:/sbin")
        yield makers[os.environ["ENGINE"]]


@pytest.fixture(scope="session")
def engine(maker: Maker) -> Iterator[Engine]:
    """An engine with an empty store."""
    with maker(None) as started:
        yield started


@pytest.fixture(scope="session")
def loaded(engine: Engine, image: layout.Image) -> layout.Image:
    """The image, which the engine has."""
    engine.load(image, ["todo-backend:latest"])
    return image


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def model() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server
