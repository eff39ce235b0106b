"""The manifests agree with the image that they run."""

import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from load import __main__ as command_line
from load import layout
from todo.settings import Settings

from tests.deploy.conftest import one, pods

type Json = dict[str, Any]


@pytest.fixture(scope="module")
def paths() -> set[str]:
    """Every path in the image."""
    found: set[str] = set()
    for layer in layout.read(Path(os.environ["IMAGE"])).layers:
        with tarfile.open(layer.path) as tar:
            found.update("/" + name.removeprefix("./").strip("/") for name in tar.getnames())
    return found


def test_port(minikube: list[Json], config: Json) -> None:
    (port,) = pods(minikube)["Deployment"]["spec"]["containers"][0]["ports"]
    assert list(config["ExposedPorts"]) == [f"{port['containerPort']}/tcp"]


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_user(minikube: list[Json], config: Json, kind: str) -> None:
    context = pods(minikube)[kind]["spec"]["securityContext"]
    assert config["User"] == f"{context['runAsUser']}:{context['runAsGroup']}"


def test_the_images_own_command_runs(minikube: list[Json]) -> None:
    container = pods(minikube)["Deployment"]["spec"]["containers"][0]
    assert not {"command", "args", "workingDir"} & set(container)


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_writable_folders_are_in_the_image(
    minikube: list[Json], paths: set[str], kind: str
) -> None:
    for mount in pods(minikube)[kind]["spec"]["containers"][0]["volumeMounts"]:
        assert mount["mountPath"] in paths


def test_the_migrations_program_and_files_are_in_the_image(
    minikube: list[Json], config: Json, paths: set[str]
) -> None:
    (command,) = pods(minikube)["Job"]["spec"]["containers"][0]["command"]
    variables = dict(entry.split("=", 1) for entry in config["Env"])
    assert any(f"{folder}/{command}" in paths for folder in variables["PATH"].split(":"))
    assert f"{config['WorkingDir']}/alembic.ini" in paths


def test_variables_are_settings_of_the_app_or_of_uvicorn(
    minikube: list[Json], with_ingress: list[Json], config: Json
) -> None:
    known = {name.upper() for name in Settings.model_fields} | {"FORWARDED_ALLOW_IPS"}
    given = {
        *one(minikube, "ConfigMap")["data"],
        *one(with_ingress, "ConfigMap")["data"],
        *(
            line.partition("=")[0]
            for line in Path("deploy/secret.env.example").read_text().splitlines()
            if line and not line.startswith("#")
        ),
        *(entry["name"] for entry in pods(minikube)["Job"]["spec"]["containers"][0]["env"]),
    }
    assert {name for name in given if not name.startswith("UVICORN_")} <= known
    # What the image sets is the image's.
    assert not given & {entry.partition("=")[0] for entry in config["Env"]}


def test_a_single_container_gets_the_pods_memory(minikube: list[Json]) -> None:
    """`bazel run //image:run` is to behave as the pod does."""
    limits = pods(minikube)["Deployment"]["spec"]["containers"][0]["resources"]["limits"]
    default = command_line.parser().parse_args(["run", "layout", "name"]).memory
    assert limits["memory"] == default.replace("m", "Mi")


@pytest.mark.parametrize(
    ("probe", "path"),
    [("startupProbe", "/health"), ("livenessProbe", "/health"), ("readinessProbe", "/ready")],
)
def test_probes_ask_what_they_should(minikube: list[Json], probe: str, path: str) -> None:
    container = pods(minikube)["Deployment"]["spec"]["containers"][0]
    assert container[probe]["httpGet"]["path"] == path
