"""The manifests for one image, as kustomize renders them."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from load.errors import LoadError

IMAGE = "todo-backend"  # what base/*.yaml call the image
JOB = "todo-backend-migration"
_RENDERED = "rendered"


def render(kubectl: Path, folder: Path, overlay: str, image: str) -> str:
    """YAML of every object.

    Args:
      kubectl: the program.
      folder: `deploy/`, with `base/` and the overlays.
      overlay: `minikube`, or another folder beside it.
      image: what the pods run, `NAME:TAG` or `NAME@sha256:…`.

    Raises:
      LoadError: there is no such overlay, or kustomize refuses the files.
    """
    if not (folder / overlay / "kustomization.yaml").is_file():
        raise LoadError(f"deploy/{overlay}/kustomization.yaml is not there")
    name, at, digest = image.partition("@")
    version = digest.partition(":")[2] if at else image.rpartition(":")[2]
    if not at:
        name = image.removesuffix(f":{version}")
    entry = {"name": IMAGE, "newName": name, **({"digest": digest} if at else {"newTag": version})}
    job = f"{JOB}-{version.removeprefix('sha256-')[:16]}"
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [f"../{overlay}"],
        "images": [entry],
        # A Job can't be changed once applied: each image has its own.
        "patches": [
            {
                "target": {"kind": "Job", "name": JOB},
                "patch": json.dumps([{"op": "replace", "path": "/metadata/name", "value": job}]),
            }
        ],
    }
    # kustomize follows no link out of its folder, and Bazel's runfiles are links.
    with tempfile.TemporaryDirectory(prefix="deploy-") as temporary:
        copy = Path(temporary) / "deploy"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*.py", "*.bazel", _RENDERED))
        (copy / _RENDERED).mkdir()
        (copy / _RENDERED / "kustomization.yaml").write_text(json.dumps(kustomization))
        done = subprocess.run(  # noqa: S603
            [kubectl, "kustomize", copy / _RENDERED], capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise LoadError(f"kustomize refuses deploy/{overlay}: {done.stderr.strip()}")
    return done.stdout
