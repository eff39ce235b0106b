from pathlib import Path

import pytest

from tests.tools.archive import Archive
from tests.tools.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def archive(machine: Machine) -> Archive:
    """The machine reaches a Debian archive; nothing is set up yet."""
    return Archive(machine)
