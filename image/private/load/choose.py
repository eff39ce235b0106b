"""Which engine an image goes to.

An engine's module is imported when it is its turn: starting takes as long as loading an edit.
"""

import os
from pathlib import Path

from . import docker, host
from .engine import Engine
from .errors import LoadError

ENGINES = ("minikube", "kind", "docker", "podman", "containerd")
_SOCKET = "/run/containerd/containerd.sock"


def choose(to: str | None, profile: str | None) -> list[Engine]:
    """The engines to load into: one, or the nodes of a kind cluster.

    Args:
        to: one of ENGINES; None takes the first of them that is there.
        profile: Minikube's profile or kind's cluster; None takes the active or any one.

    Raises:
        LoadError: there is none.
    """
    local = docker.from_environment(os.environ)
    wanted = profile or ("minikube" if to else None)
    if to in (None, "minikube"):
        from .minikube import find_minikube

        try:
            if engine := find_minikube(wanted):
                return [engine]
        except LoadError:
            # A name alone may be a kind cluster's.
            if to or not (nodes := _kind(local, profile)):
                raise
            return nodes
    if to == "kind" or (to is None and local is not None and "DOCKER_HOST" not in os.environ):
        if nodes := _kind(local, profile if to else None):
            return nodes
        if to == "kind":
            which = f"the kind cluster {profile}" if profile else "a kind cluster"
            name = f" --name {profile}" if profile else ""
            raise LoadError(f"no node of {which} runs: create one (kind create cluster{name})")
    if to in (None, "docker") and local is not None:
        return [local]
    if to in (None, "podman") and host.find("podman"):
        from .podman import Podman

        return [Podman()]
    address = os.environ.get("CONTAINERD_ADDRESS", _SOCKET)
    if to in (None, "containerd") and host.find("ctr") and Path(address).exists():
        from .containerd import Containerd

        return [Containerd(f"containerd at {address}")]
    raise _nothing(to, address)


def _kind(local: docker.Docker | None, cluster: str | None) -> list[Engine]:
    from .minikube import find_kind

    try:
        return find_kind(local, cluster)
    except LoadError:
        return []


def _nothing(to: str | None, address: str) -> LoadError:
    if to == "docker":
        return LoadError("no Docker: start its daemon, or set DOCKER_HOST to where it listens")
    if to == "podman":
        return LoadError(
            "no program podman can be started here: install it. In mirror mode an ordinary user"
            " starts its service (systemctl --user start podman.socket) and loads with --to docker"
            " and DOCKER_HOST=unix:///run/user/UID/podman/podman.sock"
        )
    if to == "containerd":
        return LoadError(
            f"no containerd: it needs the program ctr and the socket {address} (CONTAINERD_ADDRESS)"
        )
    from .minikube import stopped_profile

    hint = (
        f"; the Minikube profile {name} is there but not running"
        if (name := stopped_profile())
        else ""
    )
    return LoadError(
        "no container engine found (Minikube, kind, Docker, podman, containerd): start one, or say"
        f" where Docker listens with DOCKER_HOST{hint}"
    )
