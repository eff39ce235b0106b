"""Macro: the commands that hold and verify an image's digests."""

load("@rules_python//python:defs.bzl", "py_binary")
load(":machine_script.bzl", "machine_script")

def reproducible(name, artifacts):
    """Makes what tools/verify-reproducible and //tests/image:expected_digests_test need of an image.

    To be called in the package `//image`, which the script builds.

    | target | what it is |
    |---|---|
    | `<name>` | `bazel run`: builds twice from nothing, in unlike surroundings, and compares the digests |
    | `accept_digests` | `bazel run`: records the present mode's digests in the package's `expected_digests.txt` |
    | `artifacts` | the names of what is compared |

    Args:
        name: name of the verifying command.
        artifacts: label of what every machine makes alike: `<image>_artifacts` of `fastapi_image()`.
    """
    machine_script(
        name = name,
        src = Label("//tools:verify-reproducible"),
    )
    native.exports_files(
        ["expected_digests.txt"],
        visibility = ["//tests/image:__pkg__"],
    )
    accept = Label("//tools:reproduce/accept.py")
    py_binary(
        name = "accept_digests",
        srcs = [accept],
        args = select({
            Label("//image/base:is_debian"): ["--mode=mirror"],
            "//conditions:default": ["--mode=hub"],
        }) + [
            "--package=" + native.package_name(),
            "$(rootpaths {})".format(artifacts),
        ],
        data = [artifacts],
        main = accept,
        deps = [Label("//tools:reproduce")],
    )
    native.genrule(
        name = "artifacts",
        srcs = [artifacts],
        outs = ["artifacts.txt"],
        cmd = "echo $(rootpaths {}) > $@".format(artifacts),
        tags = ["manual"],
    )
