"""Rule: what a project without dependencies has in its lock."""

load("//uv:providers.bzl", "DistributionSetInfo")

def _no_distributions_impl(ctx):
    facts = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(facts, json.encode({"distributions": [], "platform": ctx.attr.platform}))
    lost = ctx.actions.declare_file(ctx.label.name + ".lost.json")
    ctx.actions.write(lost, "{}")
    return DistributionSetInfo(
        distributions = [],
        facts = facts,
        lost = lost,
        platform = ctx.attr.platform,
        python = "",
    )

no_distributions = rule(
    implementation = _no_distributions_impl,
    doc = "An empty set of distributions.",
    attrs = {
        "platform": attr.string(doc = "`linux/amd64` or `linux/arm64`.", mandatory = True),
    },
)
