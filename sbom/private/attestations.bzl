"""Macro: the bills of materials and the provenance of a multi-platform image, and the push that carries them."""

load("@rules_oci//oci:defs.bzl", "oci_push")
load("@rules_python//python:defs.bzl", "py_binary")
load(":image_provenance.bzl", "image_provenance")
load(":image_referrer.bzl", "image_referrer")
load(":image_sbom.bzl", "image_sbom")

# What a platform's image is accompanied by: media type, target and output group.
_REFERRERS = {
    "cyclonedx": ("application/vnd.cyclonedx+json", "sbom"),
    "provenance": ("application/vnd.in-toto+json", "provenance"),
    "spdx": ("application/spdx+json", "sbom"),
}

_PUSH = Label("//sbom/private/push:__main__.py")

def attestations(name, bases, distributions, materials, **kwargs):
    """Makes `<name>_sbom_<platform>` and `<name>_provenance_<platform>` for every platform.

    Args:
        name: of the image; `<name>_<platform>` is the image of a platform.
        bases: dict from platform to the image below.
        distributions: dict from platform to the locked distributions. Its keys are the platforms.
        materials: labels of the locks.
        **kwargs: common attributes of all targets.
    """
    for platform in distributions:
        image_sbom(
            name = "{}_sbom_{}".format(name, platform),
            distributions = distributions[platform],
            image = "{}_{}".format(name, platform),
            **kwargs
        )
        image_provenance(
            name = "{}_provenance_{}".format(name, platform),
            base = bases[platform],
            image = "{}_{}".format(name, platform),
            materials = materials,
            **kwargs
        )

def attested_push(name, push, image, platforms, repository, **kwargs):
    """Makes `bazel run` of `name`: pushes the index, then what accompanies each platform's image.

    Args:
        name: of the target.
        push: label of the `oci_push` of the index.
        image: name given to `attestations`.
        platforms: list of platforms.
        repository: where to push to.
        **kwargs: common attributes of all targets.
    """
    referrers = []
    for platform in platforms:
        for kind, (media_type, target) in _REFERRERS.items():
            artifact = "{}_{}_{}".format(image, kind, platform)
            source = "{}_{}_{}".format(image, target, platform)
            if target == "sbom":
                native.filegroup(name = artifact + "_file", srcs = [source], output_group = kind, **kwargs)
                source = artifact + "_file"
            image_referrer(
                name = artifact + "_referrer",
                file = source,
                image = "{}_{}".format(image, platform),
                media_type = media_type,
                **kwargs
            )
            oci_push(
                name = artifact + "_push",
                image = artifact + "_referrer",
                repository = repository,
                **kwargs
            )
            referrers.append(artifact + "_push")
    py_binary(
        name = name,
        srcs = [_PUSH],
        args = ["--image=$(rootpath {})".format(push)] +
               ["--referrer=$(rootpath {})".format(referrer) for referrer in referrers] +
               [
                   "--index=$(rootpath {}_index)".format(image),
                   "--repository={}".format(repository),
               ],
        data = [push, image + "_index"] + referrers,
        main = _PUSH,
        **kwargs
    )
