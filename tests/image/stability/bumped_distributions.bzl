"""Rule: the locked distributions with new releases of some of them, as a changed lock would give them."""

load("//uv:providers.bzl", "DistributionInfo", "DistributionSetInfo")

def _bumped(ctx, distribution, version):
    """Returns the DistributionInfo of a release that never was."""
    wheel = ctx.actions.declare_file("{}/{}".format(
        ctx.label.name,
        distribution.filename.replace("-{}-".format(distribution.version), "-{}-".format(version)),
    ))
    python = ctx.toolchains["@rules_python//python:toolchain_type"].py3_runtime
    ctx.actions.run(
        executable = python.interpreter,
        arguments = ["-I", "-B", ctx.file._bump.path, distribution.wheel.path, distribution.version, version, wheel.path],
        inputs = [distribution.wheel],
        tools = [ctx.file._bump, python.files],
        outputs = [wheel],
        mnemonic = "BumpDistribution",
        progress_message = "A new release of {} for %{{label}}".format(distribution.name),
    )
    facts = {name: getattr(distribution, name) for name in dir(distribution) if name not in ("to_json", "to_proto")}
    return DistributionInfo(**(facts | {"version": version, "wheel": wheel}))

def _bumped_distributions_impl(ctx):
    locked = ctx.attr.distributions[DistributionSetInfo]
    distributions = [
        _bumped(ctx, each, ctx.attr.bumps[each.name]) if each.name in ctx.attr.bumps else each
        for each in locked.distributions
    ]
    return [
        DefaultInfo(files = depset([each.wheel for each in distributions])),
        DistributionSetInfo(
            distributions = distributions,
            facts = locked.facts,
            lost = locked.lost,
            platform = locked.platform,
            python = locked.python,
        ),
    ]

bumped_distributions = rule(
    implementation = _bumped_distributions_impl,
    doc = "The distributions of a set, some of them in another version with a changed module.",
    attrs = {
        "bumps": attr.string_dict(doc = "Name → version.", mandatory = True),
        "distributions": attr.label(mandatory = True, providers = [DistributionSetInfo]),
        "_bump": attr.label(allow_single_file = True, default = ":bump.py"),
    },
    toolchains = ["@rules_python//python:toolchain_type"],
)
