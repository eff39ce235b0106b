"""Which engine is chosen, and what is said when there is none."""

from pathlib import Path

import pytest
from load import names
from load.choose import choose
from load.errors import LoadError
from load.podman import Podman

from tests.image.load import tiny

RUNNING = '{"valid": [{"Name": "minikube", "Status": "%s", "Config": {"KubernetesConfig":'
RUNNING += ' {"ContainerRuntime": "%s"}}}]}'


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any engine; programs go into its folder."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "MINIKUBE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("CONTAINERD_ADDRESS", str(tmp_path / "none.sock"))
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    monkeypatch.setattr("load.host._INSIDE", str(tmp_path / "not-inside"))
    monkeypatch.setattr("load.docker._SYSTEM_SOCKET", str(tmp_path / "none.sock"))
    return tmp_path / "programs"


def _minikube(machine: Path, status: str, runtime: str) -> None:
    (machine.parent / ".minikube" / "profiles" / "minikube").mkdir(parents=True)
    tiny.program(
        machine,
        "minikube",
        f"""case "$*" in
        profile) echo minikube ;;
        'profile list'*) echo '{RUNNING % (status, runtime)}' ;;
        *docker-env*) echo 'DOCKER_HOST=tcp://192.0.2.2:2376' ;;
        *) exit 9 ;;
        esac""",
    )


def test_no_engine() -> None:
    with pytest.raises(LoadError, match=r"no container engine found .* DOCKER_HOST$"):
        choose(None, None)


def test_minikube_stopped_is_said_when_nothing_else_is_there(machine: Path) -> None:
    _minikube(machine, "Stopped", "docker")
    with pytest.raises(LoadError, match=r"the Minikube profile minikube is there but not running$"):
        choose(None, None)
    with pytest.raises(LoadError, match=r"is not running \(Stopped\): run `minikube start"):
        choose("minikube", None)


def test_minikubes_docker_comes_first(machine: Path) -> None:
    _minikube(machine, "Running", "docker")
    tiny.program(machine, "podman", "exit 0")
    (engine,) = choose(None, None)
    assert engine.name == "Minikube profile minikube (docker at tcp://192.0.2.2:2376)"


@pytest.mark.parametrize(
    ("runtime", "way"), [("containerd", "containerd"), ("crio", "minikube image load")]
)
def test_minikubes_other_runtimes(machine: Path, runtime: str, way: str) -> None:
    _minikube(machine, "Running", runtime)
    (engine,) = choose(None, None)
    assert engine.name == f"Minikube profile minikube ({way})"


def test_a_profile_that_is_not_there(machine: Path) -> None:
    _minikube(machine, "Running", "docker")
    with pytest.raises(LoadError, match=r"the Minikube profile shop is not there"):
        choose("minikube", "shop")


@pytest.fixture
def kind(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker with the containers of a kind cluster `shop`: two nodes and a load balancer."""
    socket = machine.parent / "docker.sock"
    socket.touch()
    monkeypatch.setattr("load.docker._SYSTEM_SOCKET", str(socket))
    tiny.program(
        machine,
        "docker",
        """case "$*" in
        *label=io.x-k8s.kind.cluster=shop' '*|*label=io.x-k8s.kind.cluster' '*)
            echo shop-control-plane; echo shop-worker; echo shop-external-load-balancer ;;
        esac""",
    )


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize(("to", "cluster"), [("kind", None), ("kind", "shop"), (None, "shop")])
def test_every_node_of_a_kind_cluster(to: str | None, cluster: str | None) -> None:
    engines = choose(to, cluster)
    assert [engine.name for engine in engines] == [
        "kind node shop-control-plane",
        "kind node shop-worker",
    ]


@pytest.mark.usefixtures("kind")
def test_kind_comes_before_docker() -> None:
    assert choose(None, None)[0].name == "kind node shop-control-plane"


@pytest.mark.usefixtures("kind")
def test_a_kind_cluster_that_is_not_there() -> None:
    with pytest.raises(LoadError, match=r"cluster barn runs: .*\(kind create cluster --name barn"):
        choose("kind", "barn")
    with pytest.raises(LoadError, match=r"no program minikube"):
        choose(None, "barn")


def test_podman(machine: Path) -> None:
    tiny.program(machine, "podman", "exit 0")
    (engine,) = choose(None, None)
    assert isinstance(engine, Podman)


def test_docker_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///somewhere.sock")
    (engine,) = choose(None, None)
    assert engine.name == "Docker at unix:///somewhere.sock"


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("docker", "no Docker: start its daemon"),
        ("podman", "no program podman"),
        ("containerd", "no containerd: it needs the program ctr"),
        ("kind", "no node of a kind cluster runs"),
        ("minikube", "no program minikube"),
    ],
)
def test_the_engine_that_was_asked_for_is_named(to: str, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        choose(to, None)


def test_names() -> None:
    assert (
        names.repository("registry.example:5000/shop/app:latest")
        == "registry.example:5000/shop/app"
    )
    assert names.complete("app:1") == "docker.io/library/app:1"
    assert names.complete("shop/app:1") == "docker.io/shop/app:1"
    assert names.complete("registry.example/app:1") == "registry.example/app:1"
