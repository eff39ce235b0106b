"""The module extension `python`: one interpreter, the base image's, registered by .bazelrc.

```starlark
python = use_extension("@rules_python//python/extensions:python.bzl", "python")
python.toolchain(python_version = "3.13")
```
"""

load("//standin:refused_repository.bzl", "refused_repository")

_VERSION = "3.13"

def _python_impl(module_ctx):
    names = []
    for module in module_ctx.modules:
        for tag in module.tags.toolchain:
            version = ".".join(tag.python_version.split(".")[:2])

            # A dependency may ask for more versions than one; what counts is what the root asks for.
            if module.is_root and version != _VERSION:
                fail("python.toolchain(python_version = \"{}\"): mirror mode has the base image's {} alone: see registry/README.md".format(tag.python_version, _VERSION))
            name = "python_" + version.replace(".", "_")
            if name not in names:
                names.append(name)
    for name in ["python_versions", "pythons_hub"] + names:
        refused_repository(
            name = name,
            message = "@{} is not in mirror mode's stand-in of rules_python, whose one interpreter is the toolchain's: see registry/README.md".format(name),
        )
    return module_ctx.extension_metadata(reproducible = True)

python = module_extension(
    implementation = _python_impl,
    doc = "Accepts `python.toolchain` for Python 3.13; any other version in the root module is refused.",
    tag_classes = {
        "defaults": tag_class(
            attrs = {
                "python_version": attr.string(),
                "python_version_env": attr.string(),
                "python_version_file": attr.label(),
            },
            doc = "Accepted, no effect.",
        ),
        "toolchain": tag_class(
            attrs = {
                "configure_coverage_tool": attr.bool(),
                "ignore_root_user_error": attr.bool(default = True),
                "is_default": attr.bool(),
                "python_version": attr.string(mandatory = True),
            },
            doc = "`python_version` 3.13 or 3.13.x; the other attributes have no effect.",
        ),
    },
)
