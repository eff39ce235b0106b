"""How rules run the bill tool: on the base's interpreter, from its sources, like the layer tool."""

_PYTHON = "@rules_python//python:toolchain_type"

def _run(ctx, command, args, inputs, outputs, mnemonic, progress_message):
    """Registers an action that runs one sub-command; `args` is an Args object."""
    python = ctx.toolchains[_PYTHON].py3_runtime
    start = ctx.actions.args()
    start.add_all(["-I", "-S", "-B", ctx.file._bill_tool, command])
    ctx.actions.run(
        executable = python.interpreter,
        arguments = [start, args],
        inputs = inputs,
        tools = [depset(ctx.files._bill_tool_sources), python.files],
        outputs = outputs,
        mnemonic = mnemonic,
        progress_message = progress_message,
    )

def _layout_inputs(target):
    """The files of an OCI layout: its blobs may be links to files that only its runfiles name."""
    return depset(transitive = [target[DefaultInfo].files, target[DefaultInfo].default_runfiles.files])

bill_tool = struct(
    attrs = {
        "_bill_tool": attr.label(
            allow_single_file = True,
            default = "//sbom/private/bill:__main__.py",
        ),
        "_bill_tool_sources": attr.label(default = "//sbom/private/bill:sources"),
    },
    layout_inputs = _layout_inputs,
    run = _run,
    toolchains = [_PYTHON],
)
