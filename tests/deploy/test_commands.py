"""`bazel run //deploy:apply` and `//deploy:secret`, with a cluster that notes what it is told."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from load import layout, names

from tests.image.load.daemon import Daemon, serving

IMAGE = layout.read(Path(os.environ["IMAGE"]))
TAG = names.tagged("todo-backend", IMAGE)
SECRETS = {
    "NEON_DATABASE_URL": "postgresql://u:fake-not-to-be-an-argument@db.example/todo",
    "OPENAI_API_KEY": "sk-fake",
    "BETTER_AUTH_SECRET": "fake-fake-fake-fake-fake-fake-fake=",
}


class Cluster:
    """kubectl in between: the real one renders, everything else is noted and succeeds."""

    def __init__(self, folder: Path) -> None:
        self.kubectl = folder / "kubectl"
        self._told = folder / "told"
        self.applied = folder / "applied"
        real = Path(os.environ["REAL_KUBECTL"]).absolute()
        self.kubectl.write_text(
            f"#!/bin/sh\n"
            f'case " $* " in *" kustomize "*) exec {real} "$@" ;; esac\n'
            f'echo "$@" >> {self._told}\n'
            f'case " $* " in *" apply "*) cat > {self.applied} ;; esac\n'
        )
        self.kubectl.chmod(0o755)

    @property
    def told(self) -> list[str]:
        return self._told.read_text().splitlines() if self._told.exists() else []

    def run(self, verb: str, *arguments: str, **environment: str) -> tuple[int, str]:
        """Exit code and everything that is printed."""
        image = [f"--image={os.environ['IMAGE']}"] if verb == "apply" else []
        done = subprocess.run(
            [os.environ[verb.upper()], f"--kubectl={self.kubectl}", *image, verb, *arguments],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """Docker, which has the image already."""
    with serving(Daemon()) as running:
        running.images = {IMAGE.config.digest: IMAGE.diff_ids}
        yield running


def test_apply_loads_and_waits(cluster: Cluster, daemon: Daemon) -> None:
    code, output = cluster.run("apply", "--context", "shop", DOCKER_HOST=daemon.endpoint)
    assert code == 0, output
    assert output == f"Loading into Docker at {daemon.endpoint}\n{TAG}: 0 bytes moved\n"
    assert cluster.told == [
        "--context=shop get --raw=/version --request-timeout=10s",
        "--context=shop apply -f -",
        "--context=shop rollout status deployment/todo-backend --timeout=180s --namespace=todo",
    ]
    assert cluster.applied.read_text().count(f"image: {TAG}") == 2


def test_without_a_cluster_nothing_is_loaded(cluster: Cluster, daemon: Daemon) -> None:
    cluster.kubectl = Path(os.environ["REAL_KUBECTL"]).absolute()
    daemon.images = {}
    code, output = cluster.run("apply", DOCKER_HOST=daemon.endpoint, KUBECONFIG="/none")
    assert code == 1
    assert "apply: no cluster answers (" in output
    assert output.endswith(
        "start one (minikube start), or name another's kubectl context with --context\n"
    )
    assert daemon.archives == []


def test_a_secret_is_never_an_argument(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
    code, output = cluster.run("secret", str(file))
    assert code == 0, output
    assert cluster.told == ["get --raw=/version --request-timeout=10s", "apply -f -"]
    namespace, _, secret = cluster.applied.read_text().partition("\n---\n")
    assert "kind: Namespace" in namespace
    assert set(json.loads(secret)["data"]) == set(SECRETS)
    assert not [value for value in SECRETS.values() if value in output]


def test_a_written_secret_is_the_owners_alone(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
    code, output = cluster.run("secret", str(file), "--output", str(tmp_path / "secret.json"))
    assert (code, output, cluster.told) == (0, "", [])
    assert (tmp_path / "secret.json").stat().st_mode & 0o777 == 0o600
