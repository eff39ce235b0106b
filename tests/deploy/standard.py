"""The restricted Pod Security Standard, as a list of what a pod does against it.

https://kubernetes.io/docs/concepts/security/pod-security-standards/ (baseline and
restricted; controls for Windows and for older Kubernetes are left out).
"""

from collections.abc import Iterator
from typing import Any

type Json = dict[str, Any]

_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}
_SECCOMP = {"RuntimeDefault", "Localhost"}
_SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}


def violations(pod: Json) -> list[str]:
    """What the standard forbids in a pod's `spec`, one entry each; empty if it may run."""
    return sorted(_pod(pod)) + sorted(
        f"{container['name']}: {text}"
        for kind in ("initContainers", "containers", "ephemeralContainers")
        for container in pod.get(kind, [])
        for text in _container(container, pod.get("securityContext", {}))
    )


def _pod(pod: Json) -> Iterator[str]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            yield name
    for volume in pod.get("volumes", []):
        if kinds := set(volume) - {"name"} - _VOLUMES:
            yield f"volume {volume['name']} of type {', '.join(sorted(kinds))}"
    context = pod.get("securityContext", {})
    for sysctl in context.get("sysctls", []):
        if sysctl["name"] not in _SYSCTLS:
            yield f"sysctl {sysctl['name']}"
    if context.get("runAsUser") == 0:
        yield "runAsUser 0"


def _container(container: Json, pod: Json) -> Iterator[str]:
    own = container.get("securityContext", {})
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []):
        yield "capabilities are not dropped"
    if set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "capabilities are added"
    if own.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        yield "runAsNonRoot is not true"
    if own.get("runAsUser") == 0:
        yield "runAsUser 0"
    seccomp = own.get("seccompProfile", pod.get("seccompProfile", {}))
    if seccomp.get("type") not in _SECCOMP:
        yield "seccompProfile is neither RuntimeDefault nor Localhost"
    apparmor = own.get("appArmorProfile", pod.get("appArmorProfile", {}))
    if apparmor.get("type") == "Unconfined":
        yield "appArmorProfile Unconfined"
    if own.get("procMount", "Default") != "Default":
        yield "procMount"
    selinux = own.get("seLinuxOptions", pod.get("seLinuxOptions", {}))
    if selinux.get("type", "") not in _SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield "seLinuxOptions"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield "hostPort"
    probes = ("startupProbe", "livenessProbe", "readinessProbe")
    hooks = [container.get(probe, {}) for probe in probes]
    hooks += container.get("lifecycle", {}).values()
    if any(hook.get(kind, {}).get("host") for hook in hooks for kind in ("httpGet", "tcpSocket")):
        yield "host of a probe or hook"
