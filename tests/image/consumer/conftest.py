"""Somebody else's module, and the index that its wheels come from."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.consumer.workspace import Workspace
from tests.uv.index import Index, serve


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with serve(tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture(scope="session")
def workspace(index: Index, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    if shutil.which("bazel") is None:
        pytest.skip("there is no bazel on the test's PATH")
    made = Workspace(tmp_path_factory.mktemp("consumer"), Path(os.environ["UV"]).absolute(), index)
    try:
        yield made
    finally:
        made.bazel("shutdown")
