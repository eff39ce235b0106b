"""Rule: an image's labels, taken from pyproject.toml."""

load(":layer_tool.bzl", "layer_tool")
load(":project_metadata.bzl", "ProjectInfo")

def _project_labels_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".txt")
    args = ctx.actions.args()
    inputs = []
    if ctx.file.pyproject:
        args.add(ctx.file.pyproject, format = "--pyproject=%s")
        inputs.append(ctx.file.pyproject)
    if ctx.attr.project:
        metadata = ctx.attr.project[ProjectInfo].metadata
        args.add(metadata, format = "--project=%s")
        inputs.append(metadata)
    for name, value in ctx.attr.labels.items():
        args.add("--label={}={}".format(name, value))
    args.add(output, format = "--output=%s")
    layer_tool.run(
        ctx,
        "labels",
        args,
        inputs = inputs,
        outputs = [output],
        mnemonic = "ImageLabels",
        progress_message = "Image labels %{label}",
    )
    return DefaultInfo(files = depset([output]))

project_labels = rule(
    implementation = _project_labels_impl,
    doc = """Makes `<name>.txt`, a file of `key=value` lines for `oci_image(labels = …)`.

    `[project]` of pyproject.toml (PEP 621) gives the annotations that the OCI image specification
    predefines, and the older `version` and `maintainer`; `labels` come after and win.""",
    attrs = layer_tool.attrs | {
        "labels": attr.string_dict(doc = "Further labels; an empty value takes one out."),
        "project": attr.label(
            doc = "A `project_metadata`, for a version that pyproject.toml doesn't hold.",
            providers = [ProjectInfo],
        ),
        "pyproject": attr.label(allow_single_file = [".toml"], doc = "The project's pyproject.toml."),
    },
    toolchains = layer_tool.toolchains,
)
