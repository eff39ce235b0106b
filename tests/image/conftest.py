"""The image, its base, and what the lock has for it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from tarfile import TarFile
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.image.base.layout import Layout
from tests.image.container import Container


@pytest.fixture(scope="session")
def image() -> Layout:
    return Layout(Path(os.environ["IMAGE"]))


@pytest.fixture(scope="session")
def base() -> Layout:
    return Layout(Path(os.environ["BASE"]))


@pytest.fixture(scope="session")
def is_ours() -> bool:
    """Whether the base is this repository's: stricter than python:3.13-slim, which has a shell."""
    return Path(os.environ["BASE"]).parent == Path("image/base/debian")


@pytest.fixture(scope="session")
def judged(image: Layout, base: Layout, is_ours: bool) -> list[TarFile]:
    """The layers that are this repository's doing: all, but for a base from elsewhere."""
    below = len(base.layers())
    assert image.config["rootfs"]["diff_ids"][:below] == base.config["rootfs"]["diff_ids"]
    return image.layers() if is_ours else image.layers()[below:]


@pytest.fixture(scope="session")
def runtime() -> dict[str, str]:
    """Name → version of each distribution that the image needs, by the lock."""
    return _locked("RUNTIME")


@pytest.fixture(scope="session")
def dev() -> dict[str, str]:
    """The same with the dev group, of which the image must have nothing that it doesn't need."""
    return _locked("DEV")


def _locked(name: str) -> dict[str, str]:
    facts: dict[str, Any] = json.loads(Path(os.environ[name]).read_bytes())
    return {each["name"]: each["version"] for each in facts["distributions"]}


@pytest.fixture(scope="session")
def container(image: Layout) -> Iterator[Container]:
    """What runs commands in the unpacked image, with its own variables and working directory."""
    config = image.config["config"]
    variables = dict(variable.split("=", 1) for variable in config["Env"])
    # In /tmp, which tools/bazel keeps in memory where it can.
    with TemporaryDirectory() as root:
        image.unpack(Path(root))
        emulator = _emulator(Path(root))
        yield Container(Path(root), variables, config["WorkingDir"], emulator)


def _emulator(root: Path) -> tuple[str, ...]:
    """What runs the programs of another CPU's image, put into it: nothing for this machine's."""
    program, *options = os.environ.get("EMULATOR", "").split() or [""]
    if not program:
        return ()
    from load import host  # which only the target that emulates depends on

    if host.find(program) is None:
        pytest.skip(f"NOTHING was started, there is no {program}: .ci/engines installs it")
    (root / program).write_bytes(host.run(["cat", str(host.find(program))]).stdout)
    (root / program).chmod(0o755)
    return (f"/{program}", *options)
