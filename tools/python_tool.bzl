"""How rules run a tool of this repository: on a base's interpreter, from its sources, without a wrapper.

    load("//tools:python_tool.bzl", "python_tool")

    layer_tool = python_tool(
        main = Label("//image/private/layer:__main__.py"),
        python = Label("//image/base:python"),
        sources = Label("//image/private/layer:sources"),
    )

    def _impl(ctx):
        args = ctx.actions.args()
        args.add(ctx.outputs.layer, format = "--output=%s")
        layer_tool.run(ctx, "app", args, inputs = ctx.files.srcs, outputs = [ctx.outputs.layer], …)

    my_layer = rule(
        implementation = _impl,
        attrs = {…} | layer_tool.attrs,
        toolchains = layer_tool.toolchains,
    )
"""

load("@rules_python//python:py_runtime_info.bzl", "PyRuntimeInfo")

_PYTHON = "@rules_python//python:toolchain_type"

def _run(ctx, command, args, inputs, outputs, mnemonic, progress_message, execution_requirements = {}):
    """Registers an action that runs one sub-command.

    Args:
        ctx: the rule's context, with the tool's `attrs` and `toolchains`.
        command: the sub-command, such as "app".
        args: an Args object. The tool gets them from a file, an argument a line.
        inputs: list or depset of Files that the sub-command reads.
        outputs: list of Files that it writes.
        mnemonic: of the action.
        progress_message: what a user sees while it runs.
        execution_requirements: dict of further ones, such as `{"no-remote-exec": "1"}`.
    """
    chosen = getattr(ctx.attr, "python", None)
    python = chosen[PyRuntimeInfo] if chosen else ctx.toolchains[_PYTHON].py3_runtime
    start = ctx.actions.args()

    # Isolated, without site-packages and without writing bytecode: nothing but the arguments decides.
    start.add_all(["-I", "-S", "-B", ctx.file._tool_worker, ctx.file._tool])
    start.add_all([_library_path(target) for target in ctx.attr._tool_libraries], format_each = "--library=%s")
    start.add(command)

    # What is not in the file is a worker's own command line, and the same for all its actions.
    args.use_param_file("@%s", use_always = True)
    args.set_param_file_format("multiline")
    ctx.actions.run(
        executable = python.interpreter,
        arguments = [start, args],
        execution_requirements = {"requires-worker-protocol": "json", "supports-workers": "1"} | execution_requirements,
        inputs = inputs if type(inputs) == "depset" else depset(inputs),
        tools = [
            depset([ctx.file._tool, ctx.file._tool_worker] + ctx.files._tool_sources + ctx.files._tool_libraries),
            python.files,
        ],
        outputs = outputs,
        mnemonic = mnemonic,
        progress_message = progress_message,
    )

def _library_path(target):
    """Where Python finds a library: a wheel itself, or the folder of a package's folder."""
    for file in target.files.to_list():
        if file.extension == "whl":
            return file.path
        if file.basename == "__init__.py":
            return file.dirname.rpartition("/")[0]
    fail("{} is neither a wheel nor a package".format(target.label))

def python_tool(main, sources, libraries = [], python = None):
    """A tool that actions run.

    Args:
        main: Label of the tool's `__main__.py`; //tools:worker.py says what is in it.
        sources: Label of the tool's files.
        libraries: Labels of what it imports besides: pure wheels, and the files of packages.
        python: Label of the `py_runtime` that runs it unless a target names another in `python`, an
            attribute of these rules. Default: no such attribute, and the toolchain's.

    Returns:
        A struct of `run` as above, and the `attrs` and `toolchains` of rules that call them.
    """
    choice = {
        "python": attr.label(
            cfg = "exec",
            default = python,
            doc = "The interpreter that runs the action, a `py_runtime`: the base's, as it compiles and compresses what goes there.",
            providers = [PyRuntimeInfo],
        ),
    } if python else {}
    return struct(
        attrs = choice | {
            "_tool": attr.label(default = main, allow_single_file = True),
            "_tool_libraries": attr.label_list(default = libraries, allow_files = True),
            "_tool_sources": attr.label(default = sources),
            "_tool_worker": attr.label(default = Label("//tools:worker.py"), allow_single_file = True),
        },
        run = _run,
        toolchains = [] if python else [_PYTHON],
    )
