"""Rule: an application's sources after an edit."""

def _edited_sources_impl(ctx):
    sources = []
    for source in ctx.files.srcs:
        copy = ctx.actions.declare_file("{}/{}".format(ctx.label.name, source.short_path))
        if source.short_path == ctx.attr.file:
            ctx.actions.expand_template(
                template = source,
                output = copy,
                substitutions = {ctx.attr.text: ctx.attr.text + "  # An edit."},
            )
        else:
            ctx.actions.symlink(output = copy, target_file = source)
        sources.append(copy)
    return DefaultInfo(files = depset(sources))

edited_sources = rule(
    implementation = _edited_sources_impl,
    doc = "Copies sources to `<name>/`, one of them with a comment more.",
    attrs = {
        "file": attr.string(doc = "Path of the file to edit, from the workspace.", mandatory = True),
        "srcs": attr.label_list(allow_files = True, mandatory = True),
        "text": attr.string(doc = "What the comment comes after.", mandatory = True),
    },
)
