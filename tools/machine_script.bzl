"""Rule: a Python script that `bazel run` starts on the machine's own Python.

For commands that must work when the base's interpreter can't be had, because a package of it is gone, and for those
that start Bazel themselves. Nothing that they compute depends on which Python runs them.
"""

def _machine_script_impl(ctx):
    executable = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = executable, target_file = ctx.file.src, is_executable = True)
    return DefaultInfo(
        executable = executable,
        runfiles = ctx.runfiles([ctx.file.src]),
    )

machine_script = rule(
    implementation = _machine_script_impl,
    doc = "See above.",
    attrs = {
        "src": attr.label(
            allow_single_file = True,
            doc = "An executable file that names its interpreter in its first line; standard library only.",
            mandatory = True,
        ),
    },
    executable = True,
)
