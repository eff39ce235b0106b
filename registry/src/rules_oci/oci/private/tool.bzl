"""Runs the Python tool that does the work of the actions."""

load("@rules_python//standin:launcher.bzl", "LAUNCHER_ATTRS", "TOOLCHAIN_TYPE", "interpreter", "launch")

TOOL_TOOLCHAINS = [TOOLCHAIN_TYPE]

TOOL_ATTRS = LAUNCHER_ATTRS | {
    "_main": attr.label(default = Label("//oci/private:tool/oci_tool/__main__.py"), allow_single_file = True),
    "_tool": attr.label(default = Label("//oci/private:tool")),
    "_worker": attr.label(default = Label("//oci/private:tool/worker.py"), allow_single_file = True),
}

# Names of tags that say how an action runs: helper targets of a macro inherit them.
_EXECUTION_TAGS = ["exclusive", "external", "local", "no-cache", "no-remote", "no-sandbox"]

# https://bazel.build/reference/be/common-definitions#common-attributes, without what is the target's own.
_COMMON = [
    "compatible_with",
    "exec_compatible_with",
    "exec_properties",
    "features",
    "restricted_to",
    "target_compatible_with",
    "testonly",
    "visibility",
]

def helper_attrs(attrs):
    """Common attributes for a target that a macro adds to the one the user asked for.

    Args:
      attrs: the user's attributes.

    Returns:
      The common ones of them, and the tag `manual`, so that `//...` does not build it.
    """
    tags = [
        tag
        for tag in attrs.get("tags") or []
        if tag in _EXECUTION_TAGS or tag.startswith("no-remote-")
    ]
    return {key: attrs[key] for key in _COMMON if key in attrs} | {"tags": tags + ["manual"]}

def run_tool(ctx, command, arguments, inputs, outputs, mnemonic, progress_message):
    """Runs a sub-command of the tool as an action, by a persistent worker where Bazel may.

    The interpreter runs the tool directly, isolated and without the site module: its start-up is most
    of what an action takes.

    Args:
      ctx: context of a rule with `TOOL_ATTRS` and `TOOL_TOOLCHAINS`.
      command: the sub-command.
      arguments: Args; the tool gets them from a file, an argument a line.
      inputs: depset of Files.
      outputs: list of Files.
      mnemonic: mnemonic of the action.
      progress_message: what the user reads while it runs.
    """
    python = interpreter(ctx)
    start = ctx.actions.args()
    start.add_all(["-I", "-S", "-B", ctx.file._worker, ctx.file._main, command])
    arguments.use_param_file("@%s", use_always = True)
    arguments.set_param_file_format("multiline")
    ctx.actions.run(
        executable = python.executable,
        arguments = [start, arguments],
        execution_requirements = {"requires-worker-protocol": "json", "supports-workers": "1"},
        inputs = inputs,
        outputs = outputs,
        tools = [depset([ctx.file._worker] + ctx.files._tool), python.files],
        # Layers in zstd are unpacked by the machine's program.
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin"},
        mnemonic = mnemonic,
        progress_message = progress_message,
        toolchain = TOOLCHAIN_TYPE,
    )

def launch_tool(ctx, command, spec, files, runfiles):
    """Declares an executable that runs a sub-command of the tool; see `launch`."""
    return launch(ctx, ctx.file._main, ctx.files._tool, command, spec, files, runfiles)
