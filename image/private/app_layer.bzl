"""Rule: the layer with the application."""

load(":layer_tool.bzl", "layer_tool")
load(":places.bzl", "in_workspace", "place")
load(":project_metadata.bzl", "ProjectInfo")
load(":unwanted.bzl", "environments", "may_be_key", "unwanted")

AppInfo = provider(
    doc = "Which files of its sources an application's layer has, by their names.",
    fields = {
        "files": "list[File]: the sources, but for those that are never packed.",
        "left_out": "File or None: the exec paths of files that are not packed either, one a line.",
        "paths": "list[str]: the place of each of `files` below the working directory.",
        "roots": "list[str]: folders below the working directory that hold modules, besides it.",
    },
)

def _left_out(ctx, files, found):
    """Declares what finds out which files aren't packed; returns its File, None if all are."""
    keys = [file for file in files if may_be_key(file.short_path)]
    said = {pair: True for pair in found if pair[1]}
    if not (keys or said or ctx.file.dockerignore):
        return None
    output = ctx.actions.declare_file(ctx.label.name + ".left_out")
    args = ctx.actions.args()
    inputs = list(keys)
    for file in files if ctx.file.dockerignore else keys:
        args.add("--name=" + in_workspace(file))
        args.add(file, format = "--file=%s")
    args.add_all(keys, format_each = "--key=%s")
    if ctx.file.dockerignore:
        args.add(ctx.file.dockerignore, format = "--dockerignore=%s")
        args.add("--context=" + in_workspace(ctx.file.dockerignore).rpartition("/")[0])
        inputs.append(ctx.file.dockerignore)
    for path, reason in said:
        args.add("--left-out=" + path)
        args.add("--reason=" + reason)
    args.add(output, format = "--output=%s")
    layer_tool.run(
        ctx,
        "sources",
        args,
        inputs = inputs,
        outputs = [output],
        mnemonic = "AppSources",
        progress_message = "Sources of %{label}",
    )
    return output

def _app_layer_impl(ctx):
    names = {file: in_workspace(file) for file in ctx.files.srcs}
    folders = environments(names.values())
    reasons = {file: unwanted(name, folders) for file, name in names.items()}
    files = [file for file in ctx.files.srcs if reasons[file] == None]
    app = AppInfo(
        files = files,
        left_out = _left_out(ctx, files, [reason for reason in reasons.values() if reason]),
        paths = [place(names[file], ctx.attr.strip_prefix, ctx.label.package) for file in files],
        roots = ctx.attr.roots,
    )
    further = [app.left_out] if app.left_out else []

    layer = ctx.actions.declare_file(ctx.label.name + ".tar.gz")
    args = ctx.actions.args()
    for path, file in zip(app.paths, files):
        args.add("--path=" + path)
        args.add(file, format = "--file=%s")
    args.add_all(further, format_each = "--left-out=%s")
    if ctx.attr.project:
        metadata = ctx.attr.project[ProjectInfo].metadata
        args.add(metadata, format = "--project=%s")
        further.append(metadata)
    args.add_all(app.roots, format_each = "--root=%s")
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
        inputs = files + further,
        outputs = [layer],
        mnemonic = "AppLayer",
        progress_message = "Application layer %{label}",
        # Elsewhere a source that is a symbolic link is none.
        execution_requirements = {"no-remote-exec": "1"},
    )
    return [DefaultInfo(files = depset([layer])), app]

app_layer = rule(
    implementation = _app_layer_impl,
    doc = """Makes `<name>.tar.gz`: the application's files and their bytecode, root-owned.

    Not packed, whatever `srcs` says: `.env*` (but `.env.example`, `.sample`, `.template` and
    `.dist` are), `.envrc`, `.netrc`, `.pypirc`, `.git-credentials`; private keys (`*.pem`, `*.key`,
    `*.ppk`, `id_rsa` and the like that hold one, `*.p12`, `*.pfx`), virtual environments
    (`.venv`, a folder with `pyvenv.cfg`), `node_modules`, what `dockerignore` says; and, without a
    word, caches (`__pycache__`, `.pytest_cache`, …), `*.egg-info`, folders of version control,
    `.DS_Store`, Docker's and Bazel's own files. The action says in one line what else it left out.

    A symbolic link to another source stays one. One to another file in the workspace is packed as
    that file; one out of the workspace is an error.

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
        "dockerignore": attr.label(
            allow_single_file = True,
            doc = "Patterns of files that are not packed, in Docker's language, from the file's folder on. Default: none.",
        ),
        "environment": attr.string(
            default = "app/.venv",
            doc = "The virtual environment's place in the image, relative to `/`.",
        ),
        "project": attr.label(
            doc = "A `project_metadata`: the project is installed as it says. Default: it is not.",
            providers = [ProjectInfo],
        ),
        "roots": attr.string_list(
            doc = "Folders below the working directory that hold modules, too, for the check of `application`.",
        ),
        "srcs": attr.label_list(
            allow_files = True,
            doc = "Sources, and data files that they read.",
            mandatory = True,
        ),
        "strip_prefix": attr.string_list(
            doc = "Folders, relative to the workspace, whose contents go to the working directory; the " +
                  "longest wins. A file in none of them keeps its path below the package, or the workspace.",
        ),
        "workdir": attr.string(default = "app", doc = "The working directory, relative to `/`."),
    },
    toolchains = layer_tool.toolchains,
)
