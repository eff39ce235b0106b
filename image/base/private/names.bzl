"""What a base is called in //image/base/debian."""

load("//tools:pythons.bzl", "PYTHONS", "python_suffix")

def debian_base_name(version, platform):
    """The name of a mirror base's `oci_image`.

    Its layers are named after it, and an image's history names them: the default Python's bases are called
    `linux_amd64` and `linux_arm64`, as when there were no others, so that no digest changes.

    Args:
        version: such as "3.14".
        platform: "linux_amd64" or "linux_arm64".
    """
    return platform if version == PYTHONS[0] else "python_{}_{}".format(python_suffix(version), platform)
