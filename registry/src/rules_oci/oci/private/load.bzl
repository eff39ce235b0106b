"""The rule oci_load_rule."""

load("@rules_python//standin:launcher.bzl", "rlocation")
load(":tool.bzl", "TOOL_ATTRS", "TOOL_TOOLCHAINS", "launch_tool", "run_tool")

def _oci_load_impl(ctx):
    image = ctx.file.image
    tarball = ctx.actions.declare_file("{}/tarball.tar".format(ctx.label.name))
    spec = {
        "format": ctx.attr.format,
        "image": image.path,
        "repo_tags": ctx.file.repo_tags.path,
    }
    image_runfiles = ctx.attr.image[DefaultInfo].default_runfiles
    run_tool(
        ctx,
        "archive",
        ctx.actions.args().add(json.encode(spec)).add(tarball),
        inputs = depset([image, ctx.file.repo_tags], transitive = [image_runfiles.files]),
        outputs = [tarball],
        mnemonic = "OCITarball",
        progress_message = "OCI tarball %{label}",
    )

    spec = {
        "format": ctx.attr.format,
        "image": rlocation(ctx, image),
        "repo_tags": rlocation(ctx, ctx.file.repo_tags),
    }
    runfiles = [image_runfiles]
    files = [image, ctx.file.repo_tags]
    if ctx.executable.loader:
        spec["loader"] = rlocation(ctx, ctx.executable.loader)
        files.append(ctx.executable.loader)
        runfiles.append(ctx.attr.loader[DefaultInfo].default_runfiles)
    return [
        launch_tool(ctx, "load", spec, files, runfiles),
        # Made on demand only: a copy of the whole image.
        OutputGroupInfo(tarball = depset([tarball])),
    ]

oci_load = rule(
    implementation = _oci_load_impl,
    doc = """Loads an image into the container engine of this machine, by `bazel run`.

The output group `tarball` is the image as one tar, which nothing else builds:

```starlark
filegroup(
    name = "image.tar",
    srcs = [":load"],
    output_group = "tarball",
)
```""",
    attrs = TOOL_ATTRS | {
        "format": attr.string(
            default = "docker",
            values = ["docker", "oci"],
            doc = "`docker` for an `oci_image`, `oci` for an `oci_image_index`.",
        ),
        "image": attr.label(allow_single_file = True, mandatory = True, doc = "OCI image layout."),
        "loader": attr.label(
            allow_files = True,
            cfg = "target",
            executable = True,
            doc = """Program that is called as `<loader> load --input <named pipe>`. Without it: docker, podman or
nerdctl on PATH, else the engine that DOCKER_HOST or a socket in the usual place leads to.""",
        ),
        "repo_tags": attr.label(
            allow_single_file = [".txt"],
            mandatory = True,
            doc = "Names with tags, one a line.",
        ),
    },
    executable = True,
    toolchains = TOOL_TOOLCHAINS,
)
