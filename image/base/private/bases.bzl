"""Rules of the repository `bases`: a base that a mode hasn't got, and the mode as a build setting."""

def _missing_base_impl(ctx):
    fail(ctx.attr.sentence)

missing_base = rule(
    implementation = _missing_base_impl,
    doc = "Stands where a base would be, and fails whatever needs it.",
    attrs = {
        "sentence": attr.string(doc = "What is wrong, and what to do.", mandatory = True),
    },
)

supply_mode = rule(
    implementation = lambda ctx: [],
    doc = "The mode, for a `config_setting` to compare. No flag: it is a fact of the whole build.",
    build_setting = config.string(),
)
