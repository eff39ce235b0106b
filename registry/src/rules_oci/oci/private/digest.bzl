"""The rule behind `<name>.digest`."""

load(":tool.bzl", "TOOL_ATTRS", "TOOL_TOOLCHAINS", "run_tool")

def _oci_digest_impl(ctx):
    run_tool(
        ctx,
        "digest",
        ctx.actions.args().add(ctx.file.layout.path).add(ctx.outputs.out),
        inputs = depset([ctx.file.layout]),
        outputs = [ctx.outputs.out],
        mnemonic = "OCIDigest",
        progress_message = "OCI digest of %{input}",
    )

oci_digest = rule(
    implementation = _oci_digest_impl,
    doc = "Writes the digest of an image or an image index, `sha256:<hex>` and a newline.",
    attrs = TOOL_ATTRS | {
        "layout": attr.label(allow_single_file = True, mandatory = True, doc = "OCI image layout."),
        "out": attr.output(mandatory = True, doc = "The file."),
    },
    toolchains = TOOL_TOOLCHAINS,
)
