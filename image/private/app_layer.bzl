"""Rule: the layer with the application."""

load(":layer_tool.bzl", "layer_tool")

def _place(ctx, file):
    """The file's path below the working directory."""
    prefix = ctx.attr.strip_prefix
    if not prefix:
        return file.short_path
    if not file.short_path.startswith(prefix + "/"):
        fail("{}: {} of srcs isn't in strip_prefix = \"{}\"; correct one of them".format(
            ctx.label,
            file.short_path,
            prefix,
        ))
    return file.short_path.removeprefix(prefix + "/")

def _app_layer_impl(ctx):
    layer = ctx.actions.declare_file(ctx.label.name + ".tar.gz")
    args = ctx.actions.args()
    for file in ctx.files.srcs:
        args.add("--path=" + _place(ctx, file))
        args.add(file, format = "--file=%s")
    args.add("--workdir=" + ctx.attr.workdir)
    args.add("--environment=" + ctx.attr.environment)
    args.add("--application=" + ctx.attr.application)
    args.add("--bytecode={}".format(int(ctx.attr.bytecode)))
    args.add("--level={}".format(ctx.attr.compression_level))
    args.add(layer, format = "--output=%s")
    layer_tool.run(
        ctx,
        "app",
        args,
        inputs = ctx.files.srcs,
        outputs = [layer],
        mnemonic = "AppLayer",
        progress_message = "Application layer %{label}",
    )
    return DefaultInfo(files = depset([layer]))

app_layer = rule(
    implementation = _app_layer_impl,
    doc = """Makes `<name>.tar.gz`: the application's files and their bytecode, root-owned.

    Fails, with one line that names file and line, when a source isn't valid Python, when
    `application` names nothing in the sources, when two sources have one path in the image, or
    when one lies where the virtual environment is.""",
    attrs = layer_tool.attrs | {
        "application": attr.string(
            doc = "`module:attribute` that uvicorn is to start, looked for in the sources. Default: no check.",
        ),
        "bytecode": attr.bool(
            default = True,
            doc = "Compile every module to unchecked-hash bytecode (PEP 552).",
        ),
        "compression_level": attr.int(default = 5, doc = "zlib's level, 1 to 9."),
        "environment": attr.string(
            default = "app/.venv",
            doc = "The virtual environment's place in the image, relative to `/`.",
        ),
        "srcs": attr.label_list(
            allow_files = True,
            doc = "Sources, and data files that they read.",
            mandatory = True,
        ),
        "strip_prefix": attr.string(
            doc = "Folder, relative to the workspace, whose contents go to the working directory. Default: the workspace.",
        ),
        "workdir": attr.string(default = "app", doc = "The working directory, relative to `/`."),
    },
    toolchains = layer_tool.toolchains,
)
