"""Rules: what `bazel run` starts to load an image into an engine."""

_PYTHON = "@rules_python//python:toolchain_type"

# Takes pairs of a source and its bytecode.
_COMPILE = """
import py_compile, sys
for source, bytecode in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(source, bytecode, source, doraise=True, invalidation_mode=mode)
"""

def _loader_bytecode_impl(ctx):
    python = ctx.toolchains[_PYTHON].py3_runtime
    args = ctx.actions.args()
    args.add_all(["-I", "-S", "-B", "-c", _COMPILE])
    outputs = []
    for source in ctx.files.srcs:
        # Where a module's source would be, Python takes its bytecode too, and looks at nothing else.
        outputs.append(ctx.actions.declare_file("{}/load/{}c".format(ctx.label.name, source.basename)))
        args.add_all([source, outputs[-1]])
    ctx.actions.run(
        executable = python.interpreter,
        arguments = [args],
        inputs = ctx.files.srcs,
        tools = [python.files],
        outputs = outputs,
        mnemonic = "LoaderBytecode",
        progress_message = "Bytecode of %{label}",
    )
    return DefaultInfo(files = depset(outputs))

loader_bytecode = rule(
    implementation = _loader_bytecode_impl,
    doc = "The package `load` as bytecode: no run has to compile it, and none may keep what it compiled.",
    attrs = {"srcs": attr.label_list(allow_files = [".py"], doc = "Its modules.", mandatory = True)},
    toolchains = [_PYTHON],
)

def _rlocation(ctx, file):
    """The file's path below the runfiles folder."""
    path = file.short_path
    return path[len("../"):] if path.startswith("../") else ctx.workspace_name + "/" + path

def _quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"

def _loader_impl(ctx):
    python = ctx.toolchains[_PYTHON].py3_runtime
    executable = ctx.actions.declare_file(ctx.label.name)
    package = _rlocation(ctx, ctx.files._bytecode[0]).rpartition("/load/")[0]
    names = [ctx.attr.names[0]] + ["--tag=" + name for name in ctx.attr.names[1:]]
    ctx.actions.expand_template(
        template = ctx.file._script,
        output = executable,
        is_executable = True,
        substitutions = {
            "@LAYOUT@": _quoted(_rlocation(ctx, ctx.file.image)),
            "@NAMES@": " ".join([_quoted(name) for name in names]),
            "@PACKAGE@": _quoted(package),
            "@PYTHON@": _quoted(_rlocation(ctx, python.interpreter)),
            "@VERB@": ctx.attr.verb,
        },
    )
    runfiles = ctx.runfiles(
        files = [ctx.file.image, python.interpreter] + ctx.files._bytecode,
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
        "_bytecode": attr.label(default = Label("//image/private/load:bytecode")),
        "_script": attr.label(default = Label("//image/private:loader.sh"), allow_single_file = True),
    },
    executable = True,
    toolchains = [_PYTHON],
)
