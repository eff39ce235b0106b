"""The module extension `pip`: its hubs are declared, and refused when they are fetched.

Wheels come from `uv.lock` through `//uv:extensions.bzl`, in both modes.
"""

load("//standin:refused_repository.bzl", "refused_repository")

def _pip_impl(module_ctx):
    hubs = {}
    for module in module_ctx.modules:
        for tag in module.tags.parse:
            hubs[tag.hub_name] = True
    for hub in hubs:
        refused_repository(
            name = hub,
            message = "@{} of pip.parse is not in mirror mode's stand-in of rules_python; lock the packages in uv.lock and use @pypi: see registry/README.md".format(hub),
        )
    return module_ctx.extension_metadata(reproducible = True)

pip = module_extension(
    implementation = _pip_impl,
    doc = "Accepts `pip.parse`; its hub fails with one line when something of it is built.",
    tag_classes = {
        "parse": tag_class(attrs = {
            "download_only": attr.bool(),
            "envsubst": attr.string_list(),
            "experimental_index_url": attr.string(),
            "extra_pip_args": attr.string_list(),
            "hub_name": attr.string(mandatory = True),
            "python_version": attr.string(),
            "quiet": attr.bool(),
            "requirements_by_platform": attr.label_keyed_string_dict(),
            "requirements_darwin": attr.label(),
            "requirements_linux": attr.label(),
            "requirements_lock": attr.label(),
            "requirements_windows": attr.label(),
            "timeout": attr.int(),
        }),
    },
)
