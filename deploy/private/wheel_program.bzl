"""A program that a wheel carries as its script (`.data/scripts`)."""

load("//uv:providers.bzl", "DistributionInfo")

def _wheel_program_impl(ctx):
    distribution = ctx.attr.distribution[DistributionInfo]
    found = [file for file in distribution.scripts.to_list() if file.basename == ctx.attr.program]
    if not found:
        fail("{} {} has no script {}".format(distribution.name, distribution.version, ctx.attr.program))
    executable = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = executable, target_file = found[0], is_executable = True)
    return DefaultInfo(executable = executable, runfiles = ctx.runfiles([executable, found[0]]))

wheel_program = rule(
    implementation = _wheel_program_impl,
    doc = "A program that a locked wheel carries among its scripts, by its file name.",
    attrs = {
        "distribution": attr.label(mandatory = True, providers = [DistributionInfo]),
        "program": attr.string(mandatory = True),
    },
    executable = True,
)
