"""The rule oci_image_rule."""

load(":tool.bzl", "TOOL_ATTRS", "TOOL_TOOLCHAINS", "run_tool")

_TAR_EXTENSIONS = [".tar", ".tgz", ".tar.gz", ".tzst", ".tar.zst"]

# Attributes that are files, in the order of the tool's specification.
_FILE_ATTRS = ["created", "entrypoint", "cmd", "exposed_ports", "volumes", "env", "labels", "annotations"]

def _describe(ctx, position, layer):
    """Declares the description of a layer: the one action that reads it."""
    output = ctx.actions.declare_file("{}.{}.descriptor.json".format(ctx.label.name, position))
    args = ctx.actions.args()
    args.add(layer)
    args.add(output)

    # The label as Bazel writes it in an argument is part of the image's history, and so of its digest.
    args.add(layer.owner)
    run_tool(
        ctx,
        "descriptor",
        args,
        inputs = depset([layer]),
        outputs = [output],
        mnemonic = "OCIDescriptor",
        progress_message = "OCI descriptor of %{input}",
    )
    return output

def _oci_image_impl(ctx):
    if ctx.attr.base and (ctx.attr.os or ctx.attr.architecture or ctx.attr.variant):
        fail("os, architecture and variant come from the image in 'base' and cannot be given with it")
    if not ctx.attr.base and not (ctx.attr.os and ctx.attr.architecture):
        fail("without 'base', os and architecture are mandatory")

    output = ctx.actions.declare_directory(ctx.label.name)
    tars = ctx.files.tars
    descriptors = [_describe(ctx, position, layer) for position, layer in enumerate(tars)]
    spec = {
        "output": output.path,
        "layers": [[layer.path, descriptor.path] for layer, descriptor in zip(tars, descriptors)],
    }
    inputs = list(descriptors)

    # The layout's blobs are links: who uses it needs the files that they lead to.
    linked = [depset(tars)]
    if ctx.attr.base:
        spec["base"] = ctx.file.base.path
        linked += [ctx.attr.base[DefaultInfo].files, ctx.attr.base[DefaultInfo].default_runfiles.files]
    else:
        platform = {"architecture": ctx.attr.architecture, "os": ctx.attr.os}
        spec["platform"] = platform | ({"variant": ctx.attr.variant} if ctx.attr.variant else {})
    for name in _FILE_ATTRS:
        file = getattr(ctx.file, name)
        if file:
            spec[name] = file.path
            inputs.append(file)
    for name in ["user", "workdir"]:
        if getattr(ctx.attr, name):
            spec[name] = getattr(ctx.attr, name)

    args = ctx.actions.args()
    args.add(json.encode(spec))
    run_tool(
        ctx,
        "image",
        args,
        # Bazel hashes what the links lead to, so the layers are inputs although the tool never opens them.
        # https://github.com/bazelbuild/bazel/issues/22504
        inputs = depset(inputs, transitive = linked),
        outputs = [output],
        mnemonic = "OCIImage",
        progress_message = "OCI image %{label}",
    )
    return DefaultInfo(
        files = depset([output]),
        runfiles = ctx.runfiles(transitive_files = depset(transitive = linked)),
    )

def _file_attr(doc):
    return attr.label(allow_single_file = True, doc = doc)

oci_image = rule(
    implementation = _oci_image_impl,
    doc = """An OCI image: a directory that is an OCI image layout (OCI image specification 1.1).

Takes files where the macro `oci_image` takes values.""",
    attrs = TOOL_ATTRS | {
        "annotations": _file_attr("`key=value` lines for the manifest, merged with the base's."),
        "architecture": attr.string(doc = "GOARCH's name of the CPU; mandatory without `base`, refused with it."),
        "base": _file_attr("Image below this one: an `oci_image`, or a directory that is an OCI layout."),
        "cmd": _file_attr("Command, one argument a line; empty lines are dropped."),
        "created": _file_attr("Date and time for the configuration, RFC 3339, written as it is in the file."),
        "entrypoint": _file_attr("Entrypoint, one argument a line; setting it drops the base's command."),
        "env": _file_attr("`NAME=value` lines; `$NAME` and `${NAME}` are those of the base and of earlier lines."),
        "exposed_ports": _file_attr("Ports, comma-separated, such as `8000/tcp`; no newline at the end."),
        "labels": _file_attr("`key=value` lines for the configuration, merged with the base's."),
        "os": attr.string(doc = "GOOS's name of the operating system; mandatory without `base`, refused with it."),
        "resource_set": attr.string(default = "default", doc = "Accepted; the actions here need next to nothing."),
        "tars": attr.label_list(
            allow_files = _TAR_EXTENSIONS,
            doc = "Layers, the lowest first: tar files as they are, plain, gzip or zstd.",
        ),
        "user": attr.string(doc = "User or UID, and group, that the process runs as."),
        "variant": attr.string(doc = "Variant of the CPU, such as `v8`; refused with `base`."),
        "volumes": _file_attr("Paths of volumes, comma-separated; no newline at the end."),
        "workdir": attr.string(doc = "Working directory of the process."),
    },
    toolchains = TOOL_TOOLCHAINS,
)
