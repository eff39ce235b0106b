"""Module extension: the pinned tools that read a lock and install its wheels.

| repository | what it is |
|---|---|
| `@uv` | uv itself |
| `@uv_installer` | PyPA's `installer`, which says where a wheel's files belong |
| `@uv_packaging` | PyPA's `packaging`, which chooses a wheel by its tags |

Each is one wheel, downloaded by its SHA-256 as the locked wheels are.
"""

load(":binary.bzl", "uv_binary")
load(":locked_file.bzl", "locked_file_repository")

_TOOLS = {
    "installer": ("1.1.0", "f55f5728ff61d3dd54dbc5a397cf3f7307cb64b180c20b72afbebf01c9e2c8a0"),
    "packaging": ("26.4", "81383611a09c1bc0b08b76e0fd5829d7c6824c65b27a6aee339da133f4233ea2"),
}

def _uv_tools_impl(mctx):
    uv_binary(name = "uv")
    for name, (version, sha256) in _TOOLS.items():
        locked_file_repository(
            name = "uv_" + name,
            distribution = name,
            file = "{}-{}-py3-none-any.whl".format(name, version),
            sha256 = sha256,
            version = version,
        )
    return mctx.extension_metadata(reproducible = True)

uv_tools = module_extension(
    implementation = _uv_tools_impl,
    doc = "The pinned tools: see the top of this file.",
)
