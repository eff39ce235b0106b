"""Assemble one image: an OCI layout whose layers are links to the files that Bazel made.

The order in which members are added to the configuration and the manifest is part of the contract:
it decides the digest, which has to be the one that the real rules_oci gives.
"""

import json
import os
import re
from typing import Any, NotRequired, TypedDict

from oci_tool import layout
from oci_tool.descriptor import EPOCH

_DOCKER_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar"
_OCI_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
# `$NAME` and `${NAME}`; rules_oci takes a lone brace on either side too.
_REFERENCE = re.compile(r"\$\{?([a-zA-Z0-9_]+)\}?")


class Spec(TypedDict):
    """What an image is made of; every value that is not said otherwise is the path of a file."""

    output: str
    layers: list[list[str]]  # pairs of the layer and its description, the lowest first
    base: NotRequired[str]
    platform: NotRequired[dict[str, str]]  # os, architecture and variant, without a base
    created: NotRequired[str]
    entrypoint: NotRequired[str]
    cmd: NotRequired[str]
    exposed_ports: NotRequired[str]
    volumes: NotRequired[str]
    env: NotRequired[str]
    labels: NotRequired[str]
    annotations: NotRequired[str]
    user: NotRequired[str]  # the value itself
    workdir: NotRequired[str]  # the value itself


def merge(left: Any, right: Any) -> Any:
    """Merge two JSON values: objects member by member, in place; anything else is replaced."""
    if not (isinstance(left, dict) and isinstance(right, dict)):
        return right
    for key, value in right.items():
        left[key] = merge(left[key], value) if key in left else value
    return left


def arguments_of(path: str) -> list[str]:
    """Entrypoint or command, one a line; empty lines are dropped, `%5Cn` stands for a newline."""
    return [line.replace("%5Cn", "\n") for line in layout.read_text(path).split("\n") if line]


def set_of(path: str) -> dict[str, layout.Json]:
    """Ports or volumes: the comma-separated names in a file as the keys of an object."""
    text = layout.read_text(path)
    return {name: {} for name in text.split(",")} if text else {}


def environment(base: list[str], path: str) -> list[str]:
    """Environment of the base with the `NAME=value` lines of a file.

    A value may refer to variables of the base and of earlier lines; an unknown one is empty. A name
    that is there already keeps its place.
    """
    variables = [list(entry.partition("=")[::2]) for entry in base]

    def expand(reference: re.Match[str]) -> str:
        return "".join(value for known, value in variables if known == reference[1])

    lines = layout.read_text(path).split("\n")
    for line in lines[:-1] if lines[-1] == "" else lines:
        name, _, raw = line.partition("=")
        value = _REFERENCE.sub(expand, raw).rstrip("\n")
        for variable in variables:
            if variable[0] == name:
                variable[1] = value
                break
        else:
            variables.append([name, value])
    return [f"{name}={value}" for name, value in variables]


def overrides(spec: Spec, base_env: list[str]) -> layout.Json:
    """The members that the rule's attributes set in the configuration, in their fixed order."""
    result: layout.Json = {}
    settings: layout.Json = {}
    if created := spec.get("created"):
        result["created"] = layout.read_text(created)
    if entrypoint := spec.get("entrypoint"):
        # The base's command is the arguments of the base's entrypoint, not of this one.
        settings["Cmd"] = None
        settings["Entrypoint"] = arguments_of(entrypoint)
    if cmd := spec.get("cmd"):
        settings["Cmd"] = arguments_of(cmd)
    if ports := spec.get("exposed_ports"):
        settings["ExposedPorts"] = set_of(ports)
    if volumes := spec.get("volumes"):
        settings["Volumes"] = set_of(volumes)
    if env := spec.get("env"):
        settings["Env"] = environment(base_env, env)
    if labels := spec.get("labels"):
        settings["Labels"] = layout.read_pairs(labels)
    if user := spec.get("user"):
        settings["User"] = user
    if workdir := spec.get("workdir"):
        settings["WorkingDir"] = workdir
    if settings:
        result["config"] = settings
    return result


def from_scratch(output: str, platform: dict[str, str]) -> tuple[layout.Json, layout.Json]:
    """Manifest and configuration of an image without a base."""
    layout.write(os.path.join(output, "oci-layout"), b'{"imageLayoutVersion":"1.0.0"}')
    manifest: layout.Json = {
        "schemaVersion": 2,
        "mediaType": layout.MANIFEST_TYPE,
        "config": {"mediaType": layout.CONFIG_TYPE},
        "layers": [],
    }
    # The specification wants the size after the type: it is set when the configuration is known.
    manifest["config"]["size"] = 0
    config: layout.Json = {
        "created": EPOCH,
        "config": {},
        "history": [],
        "rootfs": {"type": "layers", "diff_ids": []},
    }
    return manifest, config | platform


def from_base(output: str, base: str) -> tuple[layout.Json, layout.Json]:
    """Manifest and configuration of the base, whose layers are linked into the output."""
    descriptor = layout.top_descriptor(base)
    manifest = layout.read_json(layout.blob_path(base, descriptor["digest"]))
    media_type = manifest.get("mediaType") or descriptor.get("mediaType")
    if media_type in layout.INDEX_TYPES or "config" not in manifest:
        raise ValueError(
            f"base {base} is no image but {media_type}: name the image of one platform"
        )
    config = layout.read_json(layout.blob_path(base, manifest["config"]["digest"]))
    layout.write(os.path.join(output, "oci-layout"), layout.read(os.path.join(base, "oci-layout")))
    for layer in manifest.get("layers") or []:
        source = layout.blob_path(base, layer["digest"])
        if not os.path.exists(source):
            raise ValueError(f"base {base} lacks its layer {layer['digest']}")
        layout.link_blob(source, layout.blob_path(output, layer["digest"]))
    return manifest, config


def add_layer(
    output: str, manifest: layout.Json, config: layout.Json, tar: str, description: layout.Json
) -> None:
    """Put a layer on top of the image."""
    docker = str(manifest.get("mediaType")).startswith("application/vnd.docker.")
    media_type = _DOCKER_LAYER_TYPE if docker else _OCI_LAYER_TYPE
    if description["compression"]:
        media_type += ("." if docker else "+") + description["compression"]
    if config.get("rootfs") is None:
        config["rootfs"] = {}
    for parent, key, value in (
        (config["rootfs"], "diff_ids", description["diff_id"]),
        (config, "history", description["history"]),
        (
            manifest,
            "layers",
            {
                "size": description["size"],
                "digest": description["digest"],
                "mediaType": media_type,
            },
        ),
    ):
        if parent.get(key) is None:
            parent[key] = []
        parent[key].append(value)
    layout.link_blob(tar, layout.blob_path(output, description["digest"]))


def build(spec: Spec) -> None:
    """Write the image's layout to `spec["output"]`."""
    output = spec["output"]
    base = spec.get("base")
    if base:
        manifest, config = from_base(output, base)
    else:
        manifest, config = from_scratch(output, spec.get("platform") or {})
    for tar, description in spec["layers"]:
        add_layer(output, manifest, config, tar, layout.read_json(description))

    settings = config.get("config")
    base_env = (settings or {}).get("Env") or []
    merge(config, overrides(spec, base_env))
    settings = config.get("config")
    if isinstance(settings, dict) and settings.get("Cmd", "") is None:
        del settings["Cmd"]
    if annotations := spec.get("annotations"):
        # Members that are null count as absent, as in jq's addition.
        manifest["annotations"] = (manifest.get("annotations") or {}) | layout.read_pairs(
            annotations
        )

    data = layout.dump(config)
    manifest["config"]["digest"] = layout.put_blob(output, data)
    manifest["config"]["size"] = len(data)
    # A copy of the configuration that the base carried in its manifest is out of date now.
    manifest["config"].pop("data", None)
    data = layout.dump(manifest) + b"\n"
    layout.write_index(
        output,
        {
            "mediaType": manifest.get("mediaType") or layout.MANIFEST_TYPE,
            "digest": layout.put_blob(output, data),
            "size": len(data),
        },
    )


def main(arguments: list[str]) -> None:
    """`image SPEC`: SPEC is the JSON of `Spec`."""
    (text,) = arguments
    spec: Spec = json.loads(text)
    build(spec)
