"""Executables of the stand-ins' rules: a Python tool, started on the toolchain's interpreter."""

TOOLCHAIN_TYPE = Label("//python:toolchain_type")

LAUNCHER_ATTRS = {
    "_launcher": attr.label(default = Label("//standin:launcher.sh"), allow_single_file = True),
}

def interpreter(ctx):
    """The interpreter that the toolchain gives.

    Args:
      ctx: context of a rule that has the toolchain type `TOOLCHAIN_TYPE`.

    Returns:
      A struct: `executable`, a File or an absolute path, and `files`, the depset to run it with.
    """
    runtime = ctx.toolchains[TOOLCHAIN_TYPE].py3_runtime
    if not runtime.interpreter:
        return struct(executable = runtime.interpreter_path, files = depset())
    return struct(
        executable = runtime.interpreter,
        files = depset([runtime.interpreter], transitive = [runtime.files]),
    )

def rlocation(ctx, file):
    """Path of a file below the runfiles folder."""
    path = file.short_path
    return path[len("../"):] if path.startswith("../") else ctx.workspace_name + "/" + path

def launch(ctx, main, tool_files, command, spec, files, runfiles = []):
    """Declares the executable of a rule.

    Args:
      ctx: context of a rule that has the attributes `LAUNCHER_ATTRS` and the toolchain type
        `TOOLCHAIN_TYPE`.
      main: File, the tool's entry point.
      tool_files: list of Files, the tool.
      command: the tool's sub-command. It gets the runfiles folder, the runfiles path of `spec`, and
        what the user gave.
      spec: what the tool needs to know, written as JSON.
      files: list of Files that the tool needs at run time.
      runfiles: list of runfiles that it needs.

    Returns:
      DefaultInfo.
    """
    python = interpreter(ctx)
    executable = ctx.actions.declare_file(ctx.label.name + ".sh")
    spec_file = ctx.actions.declare_file(ctx.label.name + ".spec.json")
    ctx.actions.write(spec_file, json.encode(spec) + "\n")
    path = python.executable if type(python.executable) == "string" else rlocation(ctx, python.executable)
    ctx.actions.expand_template(
        template = ctx.file._launcher,
        output = executable,
        is_executable = True,
        substitutions = {
            "{command}": command,
            "{interpreter}": path,
            "{main}": rlocation(ctx, main),
            "{spec}": rlocation(ctx, spec_file),
        },
    )
    return DefaultInfo(
        executable = executable,
        runfiles = ctx.runfiles(
            files = [spec_file, main] + tool_files + files,
            transitive_files = python.files,
        ).merge_all(runfiles),
    )
