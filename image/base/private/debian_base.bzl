"""Macro: a mirror base for one platform."""

load("@rules_oci//oci:defs.bzl", "oci_image")
load(":debian_layer.bzl", "debian_environment", "debian_layer")

_DATA = [
    "ca-certificates",
    "media-types",
    "netbase",
    "tzdata",
]

def debian_base(name, architecture, packages, python, version, variant = None, files = {}):
    """Makes the OCI image `name`: three layers, split by how often Debian updates them.

    Args:
        name: name of the `oci_image`. Its layers are `<name>_system` (C library and other
            libraries), `<name>_data` (time zones, certificates) and `<name>_python`.
        architecture: Debian's and OCI's name of the CPU.
        packages: label of the .deb files.
        python: label of the interpreter in them, which makes the layers.
        version: which Python it is, such as "3.13".
        variant: OCI's CPU variant, such as "v8".
        files: files of our own in the system layer, and their paths in the image.
    """

    interpreter = "python" + version
    python_packages = [
        "lib{}-minimal".format(interpreter),
        "lib{}-stdlib".format(interpreter),
        interpreter + "-minimal",
    ]
    common = {
        "architecture": architecture,
        "packages": packages,
        "python": python,
        # Nothing of it is fetched unless it is asked for.
        "tags": ["manual"],
    }
    debian_layer(
        name = name + "_system",
        files = files,
        symlinks = {
            # As base-files' maintainer script makes them.
            "var/lock": "/run/lock",
            "var/run": "/run",
        },
        without = _DATA + python_packages,
        **common
    )
    debian_layer(
        name = name + "_data",
        only = _DATA,
        # As tzdata's maintainer script makes it.
        symlinks = {"etc/localtime": "/usr/share/zoneinfo/Etc/UTC"},
        visibility = ["//tests/image/base:__pkg__"],
        **common
    )
    debian_layer(
        name = name + "_python",
        only = python_packages,
        # Where python:3.X-slim has it, so that a virtual environment fits both bases.
        symlinks = {
            "usr/local/bin/python": interpreter,
            "usr/local/bin/python3": interpreter,
            "usr/local/bin/" + interpreter: "../../bin/" + interpreter,
        },
        **common
    )
    debian_environment(
        name = name + "_environment",
        # The same as python:3.X-slim's, in its order.
        env = {
            "PATH": "/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
        },
        only = [interpreter + "-minimal"],
        **common
    )
    oci_image(
        name = name,
        architecture = architecture,
        cmd = ["python3"],
        env = name + "_environment",
        os = "linux",
        tars = [
            name + "_system",
            name + "_data",
            name + "_python",
        ],
        tags = common["tags"],
        variant = variant,
        visibility = ["//visibility:public"],
    )
