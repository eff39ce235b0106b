"""The rule base_layout: an OCI layout from readable parts, to build images on."""

_TOOLCHAIN_TYPE = "@rules_python//python:toolchain_type"

def _base_layout_impl(ctx):
    output = ctx.actions.declare_directory(ctx.label.name)
    runtime = ctx.toolchains[_TOOLCHAIN_TYPE].py3_runtime
    inputs = [ctx.file.config, ctx.file.manifest] + ctx.files.layers
    ctx.actions.run(
        executable = runtime.interpreter,
        arguments = ["-I", "-B", ctx.file._tool.path, output.path, ctx.attr.platform] + [file.path for file in inputs],
        inputs = inputs + [ctx.file._tool],
        outputs = [output],
        tools = [runtime.files],
        mnemonic = "BaseLayout",
        progress_message = "Test base %{label}",
    )
    return DefaultInfo(files = depset([output]))

base_layout = rule(
    implementation = _base_layout_impl,
    doc = "An OCI layout with the configuration and manifest of two files, in which digests and sizes are filled in.",
    attrs = {
        "config": attr.label(allow_single_file = True, mandatory = True),
        "layers": attr.label_list(allow_files = True),
        "manifest": attr.label(allow_single_file = True, mandatory = True),
        "platform": attr.string(mandatory = True, doc = "`os/architecture` for index.json."),
        "_tool": attr.label(allow_single_file = True, default = "//tests/registry:base_layout.py"),
    },
    toolchains = [_TOOLCHAIN_TYPE],
)
