"""The rule oci_image_index_rule."""

load(":tool.bzl", "TOOL_ATTRS", "TOOL_TOOLCHAINS", "run_tool")

def _platforms_impl(_settings, attr):
    return [{"//command_line_option:platforms": str(platform)} for platform in attr.platforms]

# An image for every platform; with no platforms, the images as they are.
_platforms_transition = transition(
    implementation = _platforms_impl,
    inputs = [],
    outputs = ["//command_line_option:platforms"],
)

def _oci_image_index_impl(ctx):
    # After the transition there is one configured target for each platform and image.
    if ctx.attr.platforms and len(ctx.attr.images) != len(ctx.attr.platforms):
        fail("with 'platforms', images names exactly one image")
    if not ctx.attr.images:
        fail("images names no image")
    output = ctx.actions.declare_directory(ctx.label.name)
    spec = {
        "images": [image.path for image in ctx.files.images],
        "output": output.path,
    }
    inputs = list(ctx.files.images)
    if ctx.file.annotations:
        spec["annotations"] = ctx.file.annotations.path
        inputs.append(ctx.file.annotations)
    args = ctx.actions.args()
    args.add(json.encode(spec))
    run_tool(
        ctx,
        "index",
        args,
        inputs = depset(
            inputs,
            transitive = [image[DefaultInfo].default_runfiles.files for image in ctx.attr.images],
        ),
        outputs = [output],
        mnemonic = "OCIIndex",
        progress_message = "OCI image index %{label}",
    )
    return DefaultInfo(files = depset([output]))

oci_image_index = rule(
    implementation = _oci_image_index_impl,
    doc = """An image index: the images of several platforms under one name (OCI image specification 1.1).

Its blobs are copies, so it stands alone.""",
    attrs = TOOL_ATTRS | {
        "annotations": attr.label(
            allow_single_file = True,
            doc = "`key=value` lines for the index. In the real module it came after 2.3.0.",
        ),
        "images": attr.label_list(
            mandatory = True,
            cfg = _platforms_transition,
            doc = "Images; with `platforms` exactly one, which is built for each of them.",
        ),
        "platforms": attr.label_list(
            providers = [platform_common.PlatformInfo],
            doc = "Platforms to build the one image for.",
        ),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
    toolchains = TOOL_TOOLCHAINS,
)
