"""Every object fits Kubernetes' own schema, and what refers to another object finds it."""

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from load.errors import LoadError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.deploy.conftest import PUSHED, TAG, one, pods, render

type Json = dict[str, Any]
type Schemas = dict[str, dict[str, Json]]


def _check(document: Json, schemas: dict[str, Json]) -> None:
    group, _, version = document["apiVersion"].rpartition("/")
    name = "-".join(filter(None, [document["kind"].lower(), group.partition(".")[0], version]))
    definitions = Resource.from_contents(schemas["_definitions"], DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("_definitions.json", definitions)
    if identifier := schemas["_definitions"].get("$id"):
        registry = registry.with_resource(identifier, definitions)
    jsonschema.Draft202012Validator(schemas[name], registry=registry).validate(document)


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_every_object_fits_its_schema(
    minikube: list[Json], with_ingress: list[Json], schemas: Schemas, version: str
) -> None:
    assert len(minikube) == 9
    assert len(with_ingress) == 10
    for document in minikube + with_ingress:
        _check(document, schemas[version])


def test_the_schema_notices_a_misspelt_field(minikube: list[Json], schemas: Schemas) -> None:
    document = copy.deepcopy(one(minikube, "Deployment"))
    container = document["spec"]["template"]["spec"]["containers"][0]
    container["imagePullpolicy"] = container.pop("imagePullPolicy")
    with pytest.raises(jsonschema.ValidationError, match="imagePullpolicy"):
        _check(document, schemas["1.37"])


def test_the_schema_notices_a_wrong_type(minikube: list[Json], schemas: Schemas) -> None:
    document = copy.deepcopy(one(minikube, "Deployment"))
    document["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = "35s"
    with pytest.raises(jsonschema.ValidationError, match="35s"):
        _check(document, schemas["1.37"])


def test_every_object_is_in_the_namespace(minikube: list[Json]) -> None:
    namespace = one(minikube, "Namespace")["metadata"]["name"]
    for document in minikube:
        if document["kind"] != "Namespace":
            assert document["metadata"]["namespace"] == namespace


def test_loaded_images_are_named_by_the_digests_tag(minikube: list[Json]) -> None:
    for pod in pods(minikube).values():
        (container,) = pod["spec"]["containers"]
        assert (container["image"], container["imagePullPolicy"]) == (TAG, "Never")


def test_pushed_images_are_named_by_digest(with_ingress: list[Json]) -> None:
    for pod in pods(with_ingress).values():
        (container,) = pod["spec"]["containers"]
        assert (container["image"], container["imagePullPolicy"]) == (PUSHED, "IfNotPresent")


def test_each_image_has_its_own_migration() -> None:
    names = {
        one(render("minikube", f"todo-backend:sha256-{digit * 16}"), "Job")["metadata"]["name"]
        for digit in "12"
    }
    assert names == {f"todo-backend-migration-{digit * 16}" for digit in "12"}


@pytest.mark.parametrize("kind", ["Service", "PodDisruptionBudget", "NetworkPolicy"])
def test_selectors_find_the_pods(minikube: list[Json], kind: str) -> None:
    spec = one(minikube, kind)["spec"]
    selector = spec.get("selector") or spec["podSelector"]
    wanted = selector.get("matchLabels", selector).items()
    templates = pods(minikube)
    assert wanted <= templates["Deployment"]["metadata"]["labels"].items()
    # The migration doesn't serve and isn't counted, but the network policy holds for it too.
    found = wanted <= templates["Job"]["metadata"]["labels"].items()
    assert found == (kind == "NetworkPolicy")


def test_references_lead_somewhere(with_ingress: list[Json]) -> None:
    container = pods(with_ingress)["Deployment"]["spec"]["containers"][0]
    ports = {port["name"] for port in container["ports"]}
    service = one(with_ingress, "Service")
    assert service["spec"]["ports"][0]["targetPort"] in ports
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] in ports
    assert one(with_ingress, "NetworkPolicy")["spec"]["ingress"][0]["ports"][0]["port"] in ports
    backend = one(with_ingress, "Ingress")["spec"]["rules"][0]["http"]["paths"][0]["backend"]
    assert backend["service"]["name"] == service["metadata"]["name"]
    assert backend["service"]["port"]["name"] == service["spec"]["ports"][0]["name"]
    target = one(with_ingress, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert target["name"] == one(with_ingress, "Deployment")["metadata"]["name"]
    config_map, secret = container["envFrom"]
    assert config_map["configMapRef"]["name"] == one(with_ingress, "ConfigMap")["metadata"]["name"]
    assert secret["secretRef"]["name"] == "todo-backend"


def test_a_changed_setting_starts_new_pods(minikube: list[Json], with_ingress: list[Json]) -> None:
    """The ingress adds a setting, so the name that the pods refer to is another."""
    names = [
        one(documents, "ConfigMap")["metadata"]["name"] for documents in (minikube, with_ingress)
    ]
    assert names[0] != names[1]


def test_the_grace_period_covers_every_part_of_the_end(minikube: list[Json]) -> None:
    pod = pods(minikube)["Deployment"]["spec"]
    pause = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    settings = one(minikube, "ConfigMap")["data"]
    polite = int(settings["SHUTDOWN_GRACE_SECONDS"])
    limit = int(settings["UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"])
    assert polite < limit
    assert pause + limit < pod["terminationGracePeriodSeconds"]


def test_an_unknown_overlay_is_named() -> None:
    with pytest.raises(LoadError, match=r"deploy/cloud/kustomization\.yaml is not there"):
        render("cloud", TAG)


def test_a_broken_overlay_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "kustomization.yaml").write_text("resources: [missing.yaml]\n")
    with pytest.raises(LoadError, match=r"deploy/broken: .*missing\.yaml"):
        render("broken", TAG, tmp_path)
