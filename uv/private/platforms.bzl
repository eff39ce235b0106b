"""The platforms that images are built for, in the words of Bazel, OCI and uv.

Both bases (python:3.13-slim and //image/base) are Debian trixie with glibc 2.41. manylinux_2_40 is the newest
tag at most as new as that which uv 0.13 knows, so every wheel that runs on the base is considered and none that does not.
"""

PYTHON_VERSION = "3.13"

PLATFORMS = {
    "linux_amd64": struct(
        oci = "linux/amd64",
        cpu = "@platforms//cpu:x86_64",
        uv = "x86_64-manylinux_2_40",
    ),
    "linux_arm64": struct(
        oci = "linux/arm64",
        cpu = "@platforms//cpu:aarch64",
        uv = "aarch64-manylinux_2_40",
    ),
}
