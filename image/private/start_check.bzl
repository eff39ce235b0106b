"""Rule: a check that an image has what it starts."""

load(":app_layer.bzl", "AppInfo")
load(":layer_tool.bzl", "layer_tool")
load(":project_metadata.bzl", "ProjectInfo")

def _start_check_impl(ctx):
    checked = ctx.actions.declare_file(ctx.label.name + ".checked")
    app = ctx.attr.app[AppInfo]
    layers = ctx.attr.layers[DefaultInfo].files
    inputs = [ctx.file.base] + ctx.files.further_layers
    args = ctx.actions.args()
    args.add_all(ctx.attr.words, format_each = "--word=%s")
    args.add("--application=" + ctx.attr.application)
    args.add("--workdir=" + ctx.attr.workdir)
    args.add("--environment=" + ctx.attr.environment)
    for path, file in zip(app.paths, app.files):
        args.add("--path=" + path)
        args.add("--file=" + file.path)
    args.add_all(app.roots, format_each = "--root=%s")
    if app.left_out:
        args.add(app.left_out, format = "--left-out=%s")
        inputs.append(app.left_out)
    if ctx.attr.project:
        metadata = ctx.attr.project[ProjectInfo].metadata
        args.add(metadata, format = "--project=%s")
        inputs.append(metadata)
    args.add_all(layers, format_each = "--layer=%s")
    args.add_all(ctx.files.further_layers, format_each = "--further=%s")
    args.add_all([ctx.file.base], expand_directories = False, format_each = "--layout=%s")
    args.add(checked, format = "--output=%s")
    layer_tool.run(
        ctx,
        "start",
        args,
        # A layout's blobs may be links to files that only its runfiles name.
        inputs = depset(inputs, transitive = [layers, ctx.attr.base[DefaultInfo].default_runfiles.files]),
        outputs = [checked],
        mnemonic = "StartCheck",
        progress_message = "Looking for what %{label} starts",
    )

    # A validation: it runs beside whatever is made of this target and fails the build, without being an input of it.
    return [
        DefaultInfo(files = depset()),
        OutputGroupInfo(_validation = depset([checked])),
    ]

start_check = rule(
    implementation = _start_check_impl,
    doc = """Fails the build of whatever has this in its `data` when an image lacks the program or the module that it starts.

    Only names are read. What can't be looked into, such as a layer in zstd, may hold either.""",
    attrs = layer_tool.attrs | {
        "app": attr.label(doc = "The `app_layer`.", mandatory = True, providers = [AppInfo]),
        "application": attr.string(doc = "`module:attribute` that uvicorn is to start. Default: no check."),
        "base": attr.label(
            allow_single_file = True,
            doc = "The base: an `oci_image`, or what `oci.pull` gives.",
            mandatory = True,
        ),
        "environment": attr.string(
            default = "app/.venv",
            doc = "The virtual environment's place in the image, relative to `/`.",
        ),
        "further_layers": attr.label_list(allow_files = True, doc = "Other layers that may hold the program."),
        "layers": attr.label(doc = "The `python_layers`.", mandatory = True),
        "project": attr.label(doc = "A `project_metadata`, if the project is installed.", providers = [ProjectInfo]),
        "words": attr.string_list(doc = "Entrypoint and Cmd. Default: no check of a program."),
        "workdir": attr.string(default = "app", doc = "The working directory, relative to `/`."),
    },
    toolchains = layer_tool.toolchains,
)
