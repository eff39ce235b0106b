"""Rules: a layer of a mirror base from Debian packages, and the variables that its image declares."""

load("//image/private:layer_tool.bzl", "layer_tool")

def _chosen(ctx):
    """The .deb files that `only` and `without` leave; every name must be a package of the lock."""
    by_name = {file.basename.removesuffix(".deb"): file for file in ctx.files.packages}
    unknown = [name for name in ctx.attr.only + ctx.attr.without if name not in by_name]
    if unknown:
        fail("{}: not in the lock of its Debian packages: {}".format(ctx.label, ", ".join(unknown)))
    names = ctx.attr.only or [name for name in by_name if name not in ctx.attr.without]
    return [by_name[name] for name in sorted(names)]

def _debian_layer_impl(ctx):
    layer = ctx.actions.declare_file(ctx.label.name + ".tar.gz")
    packages = _chosen(ctx)
    args = ctx.actions.args()
    args.add(ctx.attr.architecture, format = "--architecture=%s")
    args.add(layer, format = "--output=%s")
    args.add_all(packages, format_each = "--deb=%s")
    for target, path in ctx.attr.files.items():
        args.add(target.files.to_list()[0], format = "--file=" + path + "=%s")
    for path, target in ctx.attr.symlinks.items():
        args.add("--symlink={}={}".format(path, target))
    layer_tool.run(
        ctx,
        "debs",
        args,
        inputs = packages + ctx.files.files,
        outputs = [layer],
        mnemonic = "DebianLayer",
        progress_message = "Debian layer %{output}",
    )
    return DefaultInfo(files = depset([layer]))

_PACKAGES = {
    "architecture": attr.string(
        doc = "Debian's name of the CPU.",
        mandatory = True,
        values = ["amd64", "arm64"],
    ),
    "only": attr.string_list(doc = "Names of the packages taken. Default: all."),
    "packages": attr.label(
        doc = "The .deb files, named `<package>.deb`.",
        allow_files = [".deb"],
        mandatory = True,
    ),
    "without": attr.string_list(doc = "Names of the packages not taken."),
}

debian_layer = rule(
    implementation = _debian_layer_impl,
    doc = """Makes one deterministic `<name>.tar.gz` from packages, files and links.

    What of the packages gets in, and that no maintainer script runs, is told in
    //image/private/layer:debs.py.""",
    attrs = _PACKAGES | layer_tool.attrs | {
        "files": attr.label_keyed_string_dict(
            doc = "Files added, and their paths relative to `/`.",
            allow_files = True,
        ),
        "symlinks": attr.string_dict(doc = "Links added: path relative to `/`, and target."),
    },
    toolchains = layer_tool.toolchains,
)

def _debian_environment_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".env")
    packages = _chosen(ctx)
    args = ctx.actions.args()
    args.add(ctx.attr.architecture, format = "--architecture=%s")
    args.add(output, format = "--environment=%s")
    args.add_all(packages, format_each = "--deb=%s")
    args.add_all(
        ["{}={}".format(name, value) for name, value in ctx.attr.env.items()],
        format_each = "--variable=%s",
    )
    layer_tool.run(
        ctx,
        "debs",
        args,
        inputs = packages,
        outputs = [output],
        mnemonic = "DebianEnvironment",
        progress_message = "Environment of the mirror base %{label}",
    )
    return DefaultInfo(files = depset([output]))

debian_environment = rule(
    implementation = _debian_environment_impl,
    doc = "Makes `<name>.env` for `oci_image`: the given variables and PYTHON_VERSION, as the packages have it.",
    attrs = _PACKAGES | layer_tool.attrs | {
        "env": attr.string_dict(doc = "Variables, in order."),
    },
    toolchains = layer_tool.toolchains,
)
