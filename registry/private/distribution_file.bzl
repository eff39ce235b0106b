"""One file of a locked distribution as an executable."""

load("//uv:providers.bzl", "DistributionInfo")

def _distribution_file_impl(ctx):
    distribution = ctx.attr.distribution[DistributionInfo]
    wanted = "{}/{}".format(distribution.root, ctx.attr.path)
    found = [file for file in distribution.files.to_list() if file.path == wanted]
    if not found:
        fail("{} {} has no file {}".format(distribution.name, distribution.version, ctx.attr.path))
    executable = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = executable, target_file = found[0], is_executable = True)
    return DefaultInfo(executable = executable, runfiles = ctx.runfiles([executable, found[0]]))

distribution_file = rule(
    implementation = _distribution_file_impl,
    doc = "A program that a wheel carries among its package's files.",
    attrs = {
        "distribution": attr.label(mandatory = True, providers = [DistributionInfo]),
        "path": attr.string(mandatory = True, doc = "Path below site-packages."),
    },
    executable = True,
)
