"""The platforms that images are built for, in the words of Bazel, OCI, uv and wheels."""

PLATFORMS = {
    "linux_amd64": struct(
        arch = "x86_64",
        cpu = "@platforms//cpu:x86_64",
        oci = "linux/amd64",
    ),
    "linux_arm64": struct(
        arch = "aarch64",
        cpu = "@platforms//cpu:aarch64",
        oci = "linux/arm64",
    ),
}

# The newest manylinux level that uv 0.13 knows; a newer base takes these wheels, too.
_NEWEST_MANYLINUX = 40

def uv_platform(platform, glibc):
    """uv's name of a platform.

    Args:
        platform: a value of PLATFORMS.
        glibc: minor version of the base's glibc 2.x.
    """
    return "{}-manylinux_2_{}".format(platform.arch, min(glibc, _NEWEST_MANYLINUX))
