"""Rule: what an installer would write of the project itself."""

load(":layer_tool.bzl", "layer_tool")
load(":places.bzl", "in_workspace", "place")

ProjectInfo = provider(
    doc = "A project's metadata.",
    fields = {
        "metadata": "File: JSON, as //image/private/layer:project.py says.",
    },
)

# What a file with a version is called, in small letters. Others would run the action at every edit.
_NAMES = ("__init__.py", "__about__.py", "about.py", "_version.py", "__version__.py", "version.py", "version", "version.txt")

def _project_metadata_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".json")
    pyproject = ctx.file.pyproject
    folder = in_workspace(pyproject).rpartition("/")[0]
    args = ctx.actions.args()
    args.add(pyproject, format = "--pyproject=%s")
    inputs = [pyproject]
    for file in ctx.files.srcs:
        name = in_workspace(file)
        if file.basename.lower() in _NAMES and (not folder or name.startswith(folder + "/")):
            args.add("--name=" + name.removeprefix(folder + "/"))
            args.add(file, format = "--file=%s")
            inputs.append(file)
    args.add("--version=" + ctx.attr.version)
    args.add("--workdir=" + ctx.attr.workdir)
    lies = place(in_workspace(pyproject), ctx.attr.strip_prefix, ctx.label.package)
    args.add("--place=" + lies.rpartition("/")[0])
    args.add("--environment=" + ctx.attr.environment)
    args.add(output, format = "--output=%s")
    layer_tool.run(
        ctx,
        "project",
        args,
        inputs = inputs,
        outputs = [output],
        mnemonic = "ProjectMetadata",
        progress_message = "Metadata of the project, %{label}",
    )
    return [DefaultInfo(files = depset([output])), ProjectInfo(metadata = output)]

project_metadata = rule(
    implementation = _project_metadata_impl,
    doc = """Makes `<name>.json`: version, entry points and metadata of a project, from its pyproject.toml.

    For a project with a `[build-system]`, `app_layer(project = …)` installs it from that, as uv does:
    without a copy of its sources. Nothing of the project is run; a version that only a program can
    tell, as from the history of the repository, is `version`, or else 0.0.0, which a line says.""",
    attrs = layer_tool.attrs | {
        "environment": attr.string(
            default = "app/.venv",
            doc = "The virtual environment's place in the image, relative to `/`.",
        ),
        "pyproject": attr.label(
            allow_single_file = [".toml"],
            doc = "The project's pyproject.toml.",
            mandatory = True,
        ),
        "srcs": attr.label_list(
            allow_files = True,
            doc = "Where the version may be, for a dynamic one. Read are `__init__.py`, `__about__.py`, `version.py` and the like.",
        ),
        "strip_prefix": attr.string_list(doc = "As for `app_layer`."),
        "version": attr.string(doc = "The version, whatever pyproject.toml says. Default: what it says."),
        "workdir": attr.string(default = "app", doc = "The working directory, relative to `/`."),
    },
    toolchains = layer_tool.toolchains,
)
