"""What a test of //tests:nested.py needs: a Bazel of its own, in a module that depends on this one.

```starlark
pytest_test(
    name = "extension_test",
    srcs = NESTED.srcs + ["test_extension.py"],
    data = NESTED.data,
    env = NESTED.env,
)
```
"""

# The wheels of the tools: a Bazel of a test's own has them from its repository cache.
_WHEELS = [
    "@uv_installer//:file",
    "@uv_packaging//:file",
    "@uv_tomli//:file",
]

def _nested(wheels):
    return struct(
        data = wheels + [
            # The rules themselves are read where they are; these say when a test is to run again.
            "//:MODULE.bazel",
            "//image:defs.bzl",
            "//tools:pythons.bzl",
            "//uv:sources",
            "@uv",
        ],
        env = {
            "UV": "../$(rlocationpath @uv//:uv)",
            "WHEELS": " ".join(["$(rlocationpath {})".format(wheel) for wheel in wheels]),
        },
        srcs = ["//tests:nested.py"],
    )

NESTED = _nested(_WHEELS)
