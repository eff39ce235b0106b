"""Repositories for what a stand-in does not offer: they are declared, and say so when they are fetched."""

def _refused_repository_impl(rctx):
    fail(rctx.attr.message)

refused_repository = repository_rule(
    implementation = _refused_repository_impl,
    doc = "Fails with its message when it is fetched, so that a MODULE.bazel that only names it loads.",
    attrs = {"message": attr.string(mandatory = True)},
)
