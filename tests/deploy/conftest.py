import json
import os
import shutil
from pathlib import Path
from typing import Any

import manifests
import pytest
import yaml
from load import layout

type Json = dict[str, Any]

TAG = "todo-backend:sha256-0123456789abcdef"
PUSHED = "registry.example/shop/todo@sha256:" + "ab" * 32


def render(overlay: str, image: str, folder: Path = Path("deploy")) -> list[Json]:
    text = manifests.render(Path(os.environ["KUBECTL"]).absolute(), folder, overlay, image)
    return [document for document in yaml.safe_load_all(text) if document]


def pods(documents: list[Json]) -> dict[str, Json]:
    """Pod templates by their kind."""
    return {d["kind"]: d["spec"]["template"] for d in documents if "template" in d.get("spec", {})}


def one(documents: list[Json], kind: str) -> Json:
    (found,) = (document for document in documents if document["kind"] == kind)
    return found


@pytest.fixture(scope="session")
def minikube() -> list[Json]:
    return render("minikube", TAG)


@pytest.fixture(scope="session")
def with_ingress(tmp_path_factory: pytest.TempPathFactory) -> list[Json]:
    """The overlay that the comment in deploy/ingress tells people to write."""
    folder = tmp_path_factory.mktemp("manifests") / "deploy"
    shutil.copytree("deploy", folder, ignore=shutil.ignore_patterns("*.py"))
    (folder / "shop").mkdir()
    (folder / "shop" / "kustomization.yaml").write_text(
        "resources: [../base]\ncomponents: [../ingress]\n"
    )
    return render("shop", PUSHED, folder)


@pytest.fixture(scope="session")
def config() -> Json:
    """The `config` object of the image's configuration."""
    return layout.read(Path(os.environ["IMAGE"])).settings


@pytest.fixture(scope="session")
def schemas() -> dict[str, dict[str, Json]]:
    """Schemas by version of Kubernetes and by name."""
    result: dict[str, dict[str, Json]] = {}
    for path in map(Path, os.environ["SCHEMAS"].split()):
        version = path.parent.name.removesuffix(".0-local-strict").removeprefix("v")
        result.setdefault(version, {})[path.stem] = json.loads(path.read_text())
    return result
