"""The toolchain through which mirror mode's rules_uv finds uv."""

def _uv_toolchain_impl(ctx):
    return platform_common.ToolchainInfo(uv = ctx.file.uv)

uv_toolchain = rule(
    implementation = _uv_toolchain_impl,
    doc = "Gives the field `uv`, a File, to the stand-in of rules_uv.",
    attrs = {"uv": attr.label(allow_single_file = True, mandatory = True, doc = "The uv program.")},
)
