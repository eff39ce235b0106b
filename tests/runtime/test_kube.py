"""The rendered manifests, played by podman: the nearest thing to a cluster without one."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx2
import manifests
import secret
import yaml
from load import layout
from load.engine import Engine

from tests.runtime.engines import client
from tests.runtime.server import SECRETS, Server

_PLAYED = ("ConfigMap", "Deployment")


def _again_with_stored_secret(
    engine: Engine, folder: Path, documents: list[dict[str, Any]]
) -> subprocess.CompletedProcess[str]:
    client(engine, "pod", "rm", "--all", "--force")
    client(engine, "secret", "rm", secret.NAME)
    data = folder / "secret.json"
    data.write_text(json.dumps(json.loads(secret.manifest(SECRETS))["data"]))
    done = client(engine, "secret", "create", secret.NAME, str(data))
    assert done.returncode == 0, done.stderr
    file = folder / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(documents))
    return client(engine, "kube", "play", str(file))


def test_the_manifests_play(engine: Engine, loaded: layout.Image, tmp_path: Path) -> None:
    text = manifests.render(
        Path(os.environ["KUBECTL"]).absolute(), Path("deploy"), "minikube", "todo-backend:latest"
    )
    documents = [each for each in yaml.safe_load_all(text) if each and each["kind"] in _PLAYED]
    file = tmp_path / "manifests.yaml"
    file.write_text(secret.manifest(SECRETS) + "\n---\n" + yaml.safe_dump_all(documents))
    pod = documents[-1]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    try:
        done = client(engine, "kube", "play", str(file))
        if "is not valid JSON" in done.stderr:
            # podman 4.3 stores a Secret as YAML, and reads it as a JSON map of its data.
            done = _again_with_stored_secret(engine, tmp_path, documents)
        assert done.returncode == 0, done.stderr
        names = client(engine, "ps", "--format", "{{.Names}}").stdout.split()
        (name,) = (each for each in names if each.endswith("-backend"))
        infra = next(each for each in names if each.endswith("-infra"))
        template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        address = client(engine, "inspect", "--format", template, infra).stdout.strip()
        port = container["ports"][0]["containerPort"]
        server = Server(engine, name, f"http://{address}:{port}")
        server.wait(container["startupProbe"]["httpGet"]["path"])
        print(f"\nFIGURE podman kube play: healthy in {server.seconds:.2f} s")
        # The database isn't there, so readiness says no and liveness yes.
        ready = container["readinessProbe"]["httpGet"]["path"]
        assert httpx2.get(server.url + ready, timeout=10).status_code == 503
        variables = Path(f"/proc/{server.pid}/environ").read_text().split("\0")
        for variable, value in SECRETS.items():
            assert f"{variable}={value}" in variables
        assert "SHUTDOWN_GRACE_SECONDS=20" in variables
        status = Path(f"/proc/{server.pid}/status").read_text()
        assert "Uid:\t65532" in status
        assert "NoNewPrivs:\t1" in status
    finally:
        start = time.monotonic()
        down = client(engine, "kube", "down", str(file))
        seconds = time.monotonic() - start
    assert down.returncode == 0, down.stderr
    assert seconds < pod["terminationGracePeriodSeconds"]
    print(f"FIGURE podman kube down: {seconds:.2f} s")
