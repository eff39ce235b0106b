"""Rule: what `bazel run` starts to load an image into an engine."""

_PYTHON = "@rules_python//python:toolchain_type"

def _rlocation(ctx, file):
    """The file's path below the runfiles folder."""
    path = file.short_path
    return path[len("../"):] if path.startswith("../") else ctx.workspace_name + "/" + path

def _quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"

def _loader_impl(ctx):
    python = ctx.toolchains[_PYTHON].py3_runtime
    executable = ctx.actions.declare_file(ctx.label.name)
    package = _rlocation(ctx, ctx.file._main).removesuffix("/load/__main__.py")
    names = [ctx.attr.names[0]] + ["--tag=" + name for name in ctx.attr.names[1:]]
    ctx.actions.expand_template(
        template = ctx.file._script,
        output = executable,
        is_executable = True,
        substitutions = {
            "{layout}": _quoted(_rlocation(ctx, ctx.file.image)),
            "{names}": " ".join([_quoted(name) for name in names]),
            "{package}": _quoted(package),
            "{python}": _quoted(_rlocation(ctx, python.interpreter)),
            "{verb}": ctx.attr.verb,
        },
    )
    runfiles = ctx.runfiles(
        files = [ctx.file.image, python.interpreter] + ctx.files._sources,
        transitive_files = python.files,
    )
    return DefaultInfo(
        executable = executable,
        runfiles = runfiles.merge(ctx.attr.image[DefaultInfo].default_runfiles),
    )

loader = rule(
    implementation = _loader_impl,
    doc = """Runs //image/private/load for one image, on the base's interpreter.

A py_binary would start two interpreters, one after the other, and that is longer than loading an
edit takes. What the user gives follows the rule's own arguments.""",
    attrs = {
        "image": attr.label(allow_single_file = True, doc = "The image: an OCI layout.", mandatory = True),
        "names": attr.string_list(allow_empty = False, doc = "Names with tags.", mandatory = True),
        "verb": attr.string(doc = "What to do with it.", mandatory = True, values = ["load", "run"]),
        "_main": attr.label(default = Label("//image/private/load:__main__.py"), allow_single_file = True),
        "_script": attr.label(default = Label("//image/private:loader.sh"), allow_single_file = True),
        "_sources": attr.label(default = Label("//image/private/load:sources")),
    },
    executable = True,
    toolchains = [_PYTHON],
)
