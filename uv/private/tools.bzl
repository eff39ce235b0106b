"""Module extension: the pinned tools that read a lock and install its wheels.

| repository | what it is |
|---|---|
| `@uv` | uv itself |
| `@uv_installer` | PyPA's `installer`, which says where a wheel's files belong |
| `@uv_packaging` | PyPA's `packaging`, which chooses a wheel by its tags |
| `@uv_pip` | where pip looks by default, for a machine that is configured for no index |
| `@uv_tomli` | `tomli`, which reads TOML 1.1, as uv does and the standard library's `tomllib` doesn't yet |

Each is one wheel, downloaded by its SHA-256 as the locked wheels are.
"""

load(":binary.bzl", "uv_binary")
load(":locked_file.bzl", "locked_file_repository")
load(":pip.bzl", "pip")

_TOOLS = {
    "installer": ("1.1.0", "f55f5728ff61d3dd54dbc5a397cf3f7307cb64b180c20b72afbebf01c9e2c8a0"),
    "packaging": ("26.4", "81383611a09c1bc0b08b76e0fd5829d7c6824c65b27a6aee339da133f4233ea2"),
    "tomli": ("2.5.0", "32a7b79ac57a2e83670ce329ccf675798bc5a2094783a63676866b70503f2e2b"),
}

def _file(name):
    return "{}-{}-py3-none-any.whl".format(name, _TOOLS[name][0])

def tool_wheel(name):
    """The wheel of a tool, as a file.

    Args:
        name: `installer`, `packaging` or `tomli`.
    """
    return Label("@uv_{}//:{}".format(name, _file(name)))

def _uv_tools_impl(mctx):
    uv_binary(name = "uv")
    pip(name = "uv_pip")
    for name, (version, sha256) in _TOOLS.items():
        locked_file_repository(
            name = "uv_" + name,
            distribution = name,
            file = _file(name),
            sha256 = sha256,
            version = version,
        )
    return mctx.extension_metadata(reproducible = True)

uv_tools = module_extension(
    implementation = _uv_tools_impl,
    doc = "The pinned tools: see the top of this file.",
)
