"""The pods keep the restricted standard, and each of its controls would be noticed."""

import copy
from typing import Any

import pytest

from tests.deploy.conftest import pods
from tests.deploy.standard import violations

type Json = dict[str, Any]


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_pods_are_restricted(minikube: list[Json], kind: str) -> None:
    assert violations(pods(minikube)[kind]["spec"]) == []


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_pods_are_hardened_beyond_the_standard(minikube: list[Json], kind: str) -> None:
    pod = pods(minikube)[kind]["spec"]
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["resources"]["limits"]["memory"]


def test_the_namespace_enforces_it(minikube: list[Json]) -> None:
    (namespace,) = (d for d in minikube if d["kind"] == "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("hostNetwork", True, "hostNetwork"),
        ("hostPID", True, "hostPID"),
        ("volumes/0", {"name": "x", "hostPath": {"path": "/"}}, "volume x of type hostPath"),
        (
            "securityContext/sysctls",
            [{"name": "kernel.msgmax", "value": "1"}],
            "sysctl kernel.msgmax",
        ),
        ("securityContext/runAsUser", 0, "runAsUser 0"),
        ("securityContext/runAsNonRoot", None, "backend: runAsNonRoot is not true"),
        (
            "securityContext/seccompProfile",
            {"type": "Unconfined"},
            "backend: seccompProfile is neither RuntimeDefault nor Localhost",
        ),
        ("containers/0/securityContext/privileged", True, "backend: privileged"),
        (
            "containers/0/securityContext/allowPrivilegeEscalation",
            None,
            "backend: allowPrivilegeEscalation is not false",
        ),
        ("containers/0/securityContext/capabilities", {}, "backend: capabilities are not dropped"),
        (
            "containers/0/securityContext/capabilities",
            {"drop": ["ALL"], "add": ["SYS_ADMIN"]},
            "backend: capabilities are added",
        ),
        ("containers/0/securityContext/runAsUser", 0, "backend: runAsUser 0"),
        ("containers/0/securityContext/procMount", "Unmasked", "backend: procMount"),
        ("containers/0/ports/0/hostPort", 80, "backend: hostPort"),
        ("containers/0/livenessProbe/httpGet/host", "10.0.0.1", "backend: host of a probe or hook"),
    ],
)
def test_each_control_is_noticed(
    minikube: list[Json], path: str, value: object, expected: str
) -> None:
    pod = copy.deepcopy(pods(minikube)["Deployment"]["spec"])
    node: Any = pod
    *parents, last = path.split("/")
    for key in parents:
        node = node[int(key) if key.isdigit() else key]
    node[int(last) if last.isdigit() else last] = value
    assert violations(pod) == [expected]
