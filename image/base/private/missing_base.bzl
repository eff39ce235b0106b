"""Rule: a base that the present mode hasn't got."""

def _missing_base_impl(ctx):
    fail(ctx.attr.sentence)

missing_base = rule(
    implementation = _missing_base_impl,
    doc = "Stands where a base would be, and fails whatever needs it.",
    attrs = {
        "sentence": attr.string(doc = "What is wrong, and what to do.", mandatory = True),
    },
)
