"""The pinned uv, and an index to point it at."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.uv.index import Index, serve

if TYPE_CHECKING:
    from tests.uv.workspace import Workspace


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


@pytest.fixture(scope="session")
def workspace(uv: Path, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Workspace]":
    """A Bazel workspace with the module extension; one server for all the tests of a target."""
    if shutil.which("bazel") is None:
        pytest.skip("there is no bazel on the test's PATH")
    from tests.uv.project import IMPORTS, PYPROJECT, make_wheels
    from tests.uv.workspace import Workspace

    folder = tmp_path_factory.mktemp("extension")
    (folder / "served").mkdir()
    make_wheels(folder / "served")
    with serve(folder / "served") as index:
        made = Workspace(folder, uv, index, {"imports.py": IMPORTS})
        made.write(PYPROJECT)
        try:
            yield made
        finally:
            made.bazel("shutdown")


@pytest.fixture
def restored(workspace: "Workspace") -> Iterator[None]:
    """Each test begins with the same project, lock and index."""
    kept = {name: (workspace.root / name).read_text() for name in ("pyproject.toml", "uv.lock")}
    yield
    workspace.index.status = 200
    for name, content in kept.items():
        (workspace.root / name).write_text(content)
