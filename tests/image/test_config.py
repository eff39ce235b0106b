"""The image's config, against the requirements that speak of it."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.image.base.layout import Layout


@pytest.fixture
def config(image: Layout) -> dict[str, Any]:
    settings: dict[str, Any] = image.config["config"]
    return settings


def variables(layout: Layout) -> dict[str, str]:
    return dict(variable.split("=", 1) for variable in layout.config["config"]["Env"])


def test_working_directory(config: dict[str, Any]) -> None:
    assert config["WorkingDir"] == "/app"  # FR-002


def test_port(config: dict[str, Any]) -> None:
    assert config["ExposedPorts"] == {"8000/tcp": {}}  # FR-006


def test_command(config: dict[str, Any]) -> None:
    """FR-007 but for --reload=false: --reload takes no value, and with one uvicorn exits with 2."""
    command = " ".join([*config["Entrypoint"], *config["Cmd"]])
    assert command == "uvicorn main:app --host 0.0.0.0 --port 8000 --workers 2"


def test_labels(config: dict[str, Any], base: Layout) -> None:
    """FR-010: maintainer and version, and those that the OCI image specification predefines."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    labels = dict(config["Labels"])
    assert labels.pop("maintainer")
    below = base.config["config"].get("Labels") or {}
    assert labels == {name: below[name] for name in below if name != "maintainer"} | {
        "version": project["version"],
        "org.opencontainers.image.title": project["name"],
        "org.opencontainers.image.version": project["version"],
        "org.opencontainers.image.description": project["description"],
        "org.opencontainers.image.licenses": project["license"],
    }


def test_user(config: dict[str, Any]) -> None:
    """FR-011. By number: of a name Kubernetes' runAsNonRoot can't tell that it isn't root."""
    assert config["User"] == "65532:65532"


def test_environment(image: Layout, base: Layout) -> None:
    """FR-008: nothing is in it but the base's, three of Python's, UTF-8 and how the server logs."""
    below, found = variables(base), variables(image)
    assert found == below | {
        "PATH": f"/app/.venv/bin:{below['PATH']}",
        "LANG": "C.UTF-8",
        "VIRTUAL_ENV": "/app/.venv",
        "PYTHONUNBUFFERED": "1",
        "UVICORN_LOG_CONFIG": "/app/logging.json",
    }
    assert below["PYTHON_VERSION"].startswith("3.13.")


def test_nothing_else(config: dict[str, Any], base: Layout) -> None:
    """No volume that would outlive a container, no health check (OCI has none: see //deploy).

    A base from elsewhere may have others, such as a StopSignal.
    """
    ours = {"Cmd", "Entrypoint", "Env", "ExposedPorts", "Labels", "User", "WorkingDir"}
    below = base.config["config"].keys()
    assert config.keys() | below == ours | below
    assert not config.get("Volumes")


def test_no_date_and_no_machine_is_in_it(image: Layout, base: Layout, is_ours: bool) -> None:
    """A base from elsewhere keeps its own date, and the image has it."""
    known = len(base.config.get("history", []))
    created = "1970-01-01T00:00:00Z" if is_ours else base.config.get("created")
    assert image.config.get("created") == created
    for entry in image.config["history"][known:]:
        assert entry["created"] == "1970-01-01T00:00:00Z"
        assert entry["created_by"].startswith("bazel build //image:")
