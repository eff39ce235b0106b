"""Rule: an image's provenance."""

load(":bill_tool.bzl", "bill_tool", "layout_inputs")

def _image_provenance_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".intoto.json")
    args = ctx.actions.args()
    args.add("--image=" + ctx.file.image.path)
    args.add("--base=" + ctx.file.base.path)
    args.add("--target=" + str(ctx.attr.image.label))
    args.add_all(ctx.files.materials, format_each = "--material=%s")
    args.add(ctx.info_file, format = "--status=%s")
    args.add(output, format = "--output=%s")
    bill_tool.run(
        ctx,
        "provenance",
        args,
        inputs = depset(
            [ctx.info_file] + ctx.files.materials,
            transitive = [layout_inputs(ctx.attr.image), layout_inputs(ctx.attr.base)],
        ),
        outputs = [output],
        mnemonic = "ImageProvenance",
        progress_message = "Provenance of %s" % ctx.attr.image.label.name,
    )
    return DefaultInfo(files = depset([output]))

image_provenance = rule(
    implementation = _image_provenance_impl,
    doc = """Makes `<name>.intoto.json`: a SLSA provenance (v1) in an in-toto statement (v1) about one image.

    It names the image's digest, the locks, the base's digest and, where `--workspace_status_command` gives them
    (`//tools/source_revision` does), source and builder: `STABLE_SOURCE_REVISION`, `STABLE_SOURCE_URI`,
    `STABLE_BUILDER_ID`. It is a claim, not a proof, until somebody signs it.""",
    attrs = bill_tool.attrs | {
        "base": attr.label(allow_single_file = True, doc = "The image below: an OCI layout.", mandatory = True),
        "image": attr.label(allow_single_file = True, doc = "The image of one platform.", mandatory = True),
        "materials": attr.label_list(allow_files = True, doc = "The locks that the image was made from."),
    },
    toolchains = bill_tool.toolchains,
)
