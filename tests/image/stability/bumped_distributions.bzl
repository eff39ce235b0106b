"""Rule: the locked distributions with new releases of some of them, as a changed lock would give them."""

load("//uv:providers.bzl", "DistributionInfo", "DistributionSetInfo")

def _bumped(ctx, distribution, version):
    """Returns the DistributionInfo of a release that never was."""
    tree = ctx.actions.declare_directory("{}/{}/site-packages".format(ctx.label.name, distribution.name))
    listing = ctx.actions.declare_file("{}/{}/listing".format(ctx.label.name, distribution.name))
    python = ctx.toolchains["@rules_python//python:toolchain_type"].py3_runtime
    ctx.actions.run(
        executable = python.interpreter,
        arguments = [
            "-I",
            "-B",
            ctx.file._bump.path,
            distribution.root,
            distribution.listing.path,
            distribution.version,
            version,
            tree.path,
            listing.path,
        ],
        inputs = depset([distribution.listing], transitive = [distribution.files]),
        tools = [ctx.file._bump, python.files],
        outputs = [tree, listing],
        mnemonic = "BumpDistribution",
        progress_message = "A new release of {} for %{{label}}".format(distribution.name),
    )
    facts = {name: getattr(distribution, name) for name in dir(distribution) if name not in ("to_json", "to_proto")}
    return DistributionInfo(**(facts | {
        "files": depset([tree]),
        "listing": listing,
        "root": tree.path,
        "version": version,
    }))

def _bumped_distributions_impl(ctx):
    locked = ctx.attr.distributions[DistributionSetInfo]
    distributions = [
        _bumped(ctx, each, ctx.attr.bumps[each.name]) if each.name in ctx.attr.bumps else each
        for each in locked.distributions
    ]
    return [
        DefaultInfo(files = depset([each.listing for each in distributions])),
        DistributionSetInfo(distributions = distributions, platform = locked.platform),
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
