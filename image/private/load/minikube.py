"""Minikube and kind: the engines inside a local cluster's nodes."""

import json
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import archive, host
from .containerd import Containerd
from .docker import Docker
from .engine import Engine, refused
from .errors import LoadError
from .layout import Image

_RUNNING = ("Running", "OK", "Starred")  # as versions of `minikube profile list` say it
_VARIABLE = re.compile(r'^(?:export |SET )?(DOCKER_\w+)="?([^"\n]*)"?', re.MULTILINE)
_REMOTE = "/tmp/fastapi_image.tar"  # noqa: S108 - on the node, which has one user


def find_minikube(profile: str | None) -> Engine | None:
    """The engine of a Minikube profile; without a name, of the active one if it runs.

    Raises:
        LoadError: the profile that was asked for isn't there or doesn't run.
    """
    folder = Path(os.environ.get("MINIKUBE_HOME") or Path.home() / ".minikube")
    if (
        not profile
        and not (folder / "profiles").is_dir()
        and not (folder / ".minikube/profiles").is_dir()
    ):
        return None  # asking Minikube takes a second
    if host.find("minikube") is None:
        if profile:
            raise LoadError(
                "no program minikube can be started from here: install it, or leave out --profile"
                " and --to to load elsewhere"
            )
        return None
    name = profile or _output("minikube", "profile").strip().removeprefix("* ") or "minikube"
    profiles = json.loads(_output("minikube", "profile", "list", "--output", "json"))
    entry = next((each for each in profiles.get("valid") or [] if each["Name"] == name), None)
    if entry is None or entry.get("Status") not in _RUNNING:
        if not profile:
            return None
        what = "is not there" if entry is None else f"is not running ({entry.get('Status')})"
        raise LoadError(
            f"the Minikube profile {name} {what}: run `minikube start --profile {name}`"
        )
    runtime = _runtime(entry)
    if runtime == "docker":
        return _docker(name)
    if runtime == "containerd":
        return _Node(name)
    return _ImageLoad(name)


def stopped_profile() -> str | None:
    """Name of a Minikube profile, for the message that nothing runs."""
    folder = Path(os.environ.get("MINIKUBE_HOME") or Path.home() / ".minikube")
    return next((path.name for path in sorted((folder / "profiles").glob("*"))), None)


def _runtime(entry: dict[str, Any]) -> str:
    runtime: str = entry.get("Config", {}).get("KubernetesConfig", {}).get("ContainerRuntime", "")
    return runtime or "docker"


def _docker(profile: str) -> Docker:
    text = _output("minikube", "--profile", profile, "docker-env", "--shell", "none")
    settings = dict(_VARIABLE.findall(text))
    if "DOCKER_HOST" not in settings:
        raise LoadError(
            f"minikube --profile {profile} docker-env names no DOCKER_HOST: is its runtime docker?"
        )
    certificates = settings.get("DOCKER_CERT_PATH") if settings.get("DOCKER_TLS_VERIFY") else None
    name = f"Minikube profile {profile} (docker at {settings['DOCKER_HOST']})"
    return Docker(settings["DOCKER_HOST"], Path(certificates) if certificates else None, name=name)


class _Node(Containerd):
    """containerd in Minikube's node; `minikube ssh` is a terminal, so archives go as files."""

    def __init__(self, profile: str) -> None:
        minikube = ["minikube", "--profile", profile]
        super().__init__(
            f"Minikube profile {profile} (containerd)", [*minikube, "ssh", "--", "sudo"]
        )
        self._minikube = minikube

    def take(self, archive_file: int) -> None:
        source = f"/proc/{os.getpid()}/fd/{archive_file}"
        with tempfile.NamedTemporaryFile(suffix=".tar") as file:
            file.write(Path(source).read_bytes())
            file.flush()
            _output(*self._minikube, "cp", file.name, _REMOTE)
        try:
            self.ctr("images", "import", _REMOTE)
        finally:
            self.call("rm", "-f", _REMOTE)


class _ImageLoad:
    """Another runtime (CRI-O): Minikube's own way, which takes the image as a whole."""

    def __init__(self, profile: str) -> None:
        self.name = f"Minikube profile {profile} (minikube image load)"
        self._profile = profile

    def load(self, image: Image, names: Sequence[str]) -> int:
        listed = _output("minikube", "--profile", self._profile, "image", "ls").split()
        if any(entry.endswith(names[-1]) for entry in listed):
            return 0
        with tempfile.NamedTemporaryFile(suffix=".tar") as file:
            archive.write_docker(image, names, 0, file)  # type: ignore[arg-type]
            file.flush()
            _output("minikube", "--profile", self._profile, "image", "load", file.name)
            return file.tell()


def find_kind(docker: Docker | None, cluster: str | None) -> list[Engine]:
    """containerd of every node of a running kind cluster."""
    if docker is None or host.find("docker") is None:
        return []
    label = f"io.x-k8s.kind.cluster={cluster}" if cluster else "io.x-k8s.kind.cluster"
    listed = host.run(
        [
            "docker",
            "--host",
            docker.endpoint,
            "ps",
            "--filter",
            f"label={label}",
            "--format",
            "{{.Names}}",
        ]
    )
    nodes = listed.stdout.decode().split() if listed.returncode == 0 else []
    # The load balancer of a cluster with several control planes has no containerd.
    return [
        Containerd(f"kind node {node}", ["docker", "--host", docker.endpoint, "exec", "-i", node])
        for node in nodes
        if not node.endswith("-external-load-balancer")
    ]


def _output(*command: str) -> str:
    done = host.run(command)
    if done.returncode:
        text = (done.stderr or done.stdout).decode(errors="replace")
        raise refused(" ".join(command[:4]), text)
    return done.stdout.decode()
