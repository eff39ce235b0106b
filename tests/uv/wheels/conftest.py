"""The wheel package and PyPA's `installer`, which it reads wheels by, and a folder of wheels."""

import os
import sys
from pathlib import Path

import pytest

# The library is a wheel, and in actions Python finds it there as well.
if "INSTALLER" in os.environ:
    sys.path.append(os.path.realpath(os.environ["INSTALLER"]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a test's wheels lie."""
    made = tmp_path / "wheels"
    made.mkdir()
    return made
