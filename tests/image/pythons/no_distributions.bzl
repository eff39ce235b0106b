"""Rule: what a project without dependencies has in its lock."""

load("//uv:providers.bzl", "DistributionSetInfo")

no_distributions = rule(
    implementation = lambda ctx: [DistributionSetInfo(distributions = [], platform = ctx.attr.platform)],
    doc = "An empty set of distributions.",
    attrs = {
        "platform": attr.string(doc = "`linux/amd64` or `linux/arm64`.", mandatory = True),
    },
)
