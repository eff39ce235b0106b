"""The pinned uv, and an index to point it at."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.uv.index import Index, serve


@pytest.fixture(scope="session")
def uv() -> Path:
    """The pinned uv binary."""
    return Path(os.environ["UV"]).absolute()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """An index without any package yet."""
    folder = tmp_path / "served"
    folder.mkdir()
    with serve(folder) as running:
        yield running
