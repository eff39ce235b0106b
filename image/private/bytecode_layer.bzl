"""Rule: the layer with the bytecode that a base image lacks."""

load(":layer_tool.bzl", "layer_tool")

def _bytecode_layer_impl(ctx):
    layer = ctx.actions.declare_file(ctx.label.name + ".tar.gz")
    args = ctx.actions.args()
    args.add_all([ctx.file.base], expand_directories = False, format_each = "--layout=%s")
    args.add("--level={}".format(ctx.attr.compression_level))
    args.add(layer, format = "--output=%s")
    base = ctx.attr.base[DefaultInfo]
    layer_tool.run(
        ctx,
        "bytecode",
        args,
        # A layout's blobs may be links to files that only its runfiles name.
        inputs = depset([ctx.file.base], transitive = [base.default_runfiles.files]),
        outputs = [layer],
        mnemonic = "BytecodeLayer",
        progress_message = "Bytecode layer of %{label}",
    )
    return DefaultInfo(files = depset([layer]))

bytecode_layer = rule(
    implementation = _bytecode_layer_impl,
    doc = """Makes `<name>.tar.gz`: unchecked-hash bytecode for every module of a base's library that has none.

    Official Python images ship the standard library without bytecode, and a non-root user can't cache it.
    The compiler is the base's own interpreter for this machine's CPU, whatever CPU the base is for.""",
    attrs = layer_tool.attrs | {
        "base": attr.label(
            allow_single_file = True,
            doc = "The base: an `oci_image`, or what `oci.pull` gives.",
            mandatory = True,
        ),
        "compression_level": attr.int(default = 5, doc = "zlib's level, 1 to 9."),
    },
    toolchains = layer_tool.toolchains,
)
