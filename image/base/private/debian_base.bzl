"""Macro: the mirror base for one platform."""

load("@rules_oci//oci:defs.bzl", "oci_image")
load(":debian_layer.bzl", "debian_environment", "debian_layer")

_PYTHON = [
    "libpython3.13-minimal",
    "libpython3.13-stdlib",
    "python3.13-minimal",
]
_DATA = [
    "ca-certificates",
    "media-types",
    "netbase",
    "tzdata",
]

def debian_base(name, architecture, packages, variant = None, files = {}):
    """Makes the OCI image `name`: three layers, split by how often Debian updates them.

    Args:
        name: name of the `oci_image`. Its layers are `<name>_system` (C library and other
            libraries), `<name>_data` (time zones, certificates) and `<name>_python`.
        architecture: Debian's and OCI's name of the CPU.
        packages: label of the .deb files.
        variant: OCI's CPU variant, such as "v8".
        files: files of our own in the system layer, and their paths in the image.
    """

    # Nothing of it is fetched unless it is asked for.
    tags = ["manual"]
    debian_layer(
        name = name + "_system",
        architecture = architecture,
        files = files,
        packages = packages,
        symlinks = {
            # As base-files' maintainer script makes them.
            "var/lock": "/run/lock",
            "var/run": "/run",
        },
        tags = tags,
        without = _DATA + _PYTHON,
    )
    debian_layer(
        name = name + "_data",
        architecture = architecture,
        only = _DATA,
        packages = packages,
        # As tzdata's maintainer script makes it.
        symlinks = {"etc/localtime": "/usr/share/zoneinfo/Etc/UTC"},
        tags = tags,
        visibility = ["//tests/image/base:__pkg__"],
    )
    debian_layer(
        name = name + "_python",
        architecture = architecture,
        only = _PYTHON,
        packages = packages,
        # Where python:3.13-slim has it, so that a virtual environment fits both bases.
        symlinks = {
            "usr/local/bin/python": "python3.13",
            "usr/local/bin/python3": "python3.13",
            "usr/local/bin/python3.13": "../../bin/python3.13",
        },
        tags = tags,
    )
    debian_environment(
        name = name + "_environment",
        architecture = architecture,
        # The same as python:3.13-slim's, in its order.
        env = {
            "PATH": "/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
        },
        only = ["python3.13-minimal"],
        packages = packages,
        tags = tags,
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
        tags = tags,
        variant = variant,
        visibility = ["//visibility:public"],
    )
