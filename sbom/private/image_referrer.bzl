"""Rule: an OCI artifact that refers to an image."""

load(":bill_tool.bzl", "bill_tool", "layout_inputs")

def _image_referrer_impl(ctx):
    output = ctx.actions.declare_directory(ctx.label.name)
    args = ctx.actions.args()
    args.add("--image=" + ctx.file.image.path)
    args.add(ctx.file.file, format = "--file=%s")
    args.add("--media-type=" + ctx.attr.media_type)
    args.add("--output=" + output.path)
    bill_tool.run(
        ctx,
        "artifact",
        args,
        inputs = depset([ctx.file.file], transitive = [layout_inputs(ctx.attr.image)]),
        outputs = [output],
        mnemonic = "ImageReferrer",
        progress_message = "Referrer %{label}",
    )
    return DefaultInfo(files = depset([output]))

image_referrer = rule(
    implementation = _image_referrer_impl,
    doc = """Makes an OCI layout for `oci_push`: one file as an artifact whose `subject` is the image.

    Registries list it among the image's referrers (OCI distribution specification 1.1), so that the bill travels
    with the image and its digest stays as it is.""",
    attrs = bill_tool.attrs | {
        "file": attr.label(allow_single_file = True, doc = "The artifact's content.", mandatory = True),
        "image": attr.label(allow_single_file = True, doc = "The image of one platform.", mandatory = True),
        "media_type": attr.string(doc = "IANA media type of the content.", mandatory = True),
    },
    toolchains = bill_tool.toolchains,
)
