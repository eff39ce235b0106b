"""The rule that gives a pulled image the form of a built one: a directory of links."""

load(":tool.bzl", "TOOL_ATTRS", "TOOL_TOOLCHAINS", "run_tool")

def _oci_layout_impl(ctx):
    output = ctx.actions.declare_directory("layout")
    files = depset(ctx.files.srcs + [ctx.file.index])
    args = ctx.actions.args()
    args.add(output.path)
    args.add(ctx.file.index.dirname)
    args.add_all(files)
    run_tool(
        ctx,
        "link",
        args,
        inputs = files,
        outputs = [output],
        mnemonic = "OCILayout",
        progress_message = "OCI layout %{label}",
    )
    return DefaultInfo(files = depset([output]), runfiles = ctx.runfiles(transitive_files = files))

oci_layout = rule(
    implementation = _oci_layout_impl,
    doc = "An OCI image layout as a directory.",
    attrs = TOOL_ATTRS | {
        "index": attr.label(allow_single_file = True, mandatory = True, doc = "`index.json`, at the layout's root."),
        "srcs": attr.label_list(allow_files = True, doc = "`oci-layout` and the blobs."),
    },
    toolchains = TOOL_TOOLCHAINS,
)
