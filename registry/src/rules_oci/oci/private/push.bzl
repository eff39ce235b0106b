"""The rule oci_push_rule."""

load("@rules_python//standin:launcher.bzl", "rlocation")
load(":reference.bzl", "parse_reference")
load(":tool.bzl", "TOOL_ATTRS", "TOOL_TOOLCHAINS", "launch_tool")

def _oci_push_impl(ctx):
    if not ctx.file.image.is_directory:
        fail("image should be an oci_image or an oci_image_index")
    if ctx.attr.repository:
        reference = parse_reference(ctx.attr.repository)
        if reference.digest or reference.tag:
            fail("repository should have no digest and no tag, got {}".format(ctx.attr.repository))
    spec = {"image": rlocation(ctx, ctx.file.image)}
    files = [ctx.file.image]
    if ctx.attr.repository:
        spec["repository"] = ctx.attr.repository
    elif ctx.file.repository_file:
        spec["repository_file"] = rlocation(ctx, ctx.file.repository_file)
        files.append(ctx.file.repository_file)
    if ctx.file.remote_tags:
        spec["remote_tags"] = rlocation(ctx, ctx.file.remote_tags)
        files.append(ctx.file.remote_tags)
    return launch_tool(ctx, "push", spec, files, [ctx.attr.image[DefaultInfo].default_runfiles])

oci_push = rule(
    implementation = _oci_push_impl,
    doc = """Pushes an image or an image index to a registry, by `bazel run`.

`bazel run //image:push -- --repository registry.example/app --tag 1.2.3`: -r/--repository replaces the
rule's, -t/--tag adds a tag. Credentials are those of `docker login`.""",
    attrs = TOOL_ATTRS | {
        "image": attr.label(allow_single_file = True, mandatory = True, doc = "OCI image layout."),
        "remote_tags": attr.label(allow_single_file = True, doc = "Tags, one a line."),
        "repository": attr.string(doc = "Registry and repository, without tag and digest."),
        "repository_file": attr.label(
            allow_single_file = True,
            doc = "The same in a file; `repository` comes before it.",
        ),
    },
    executable = True,
    toolchains = TOOL_TOOLCHAINS,
)
