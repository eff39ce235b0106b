"""Rule: a check that a base image holds the interpreter which it is used for."""

load(":layer_tool.bzl", "layer_tool")

def _base_interpreter_impl(ctx):
    checked = ctx.actions.declare_file(ctx.label.name + ".checked")
    args = ctx.actions.args()
    args.add_all([ctx.file.base], expand_directories = False, format_each = "--layout=%s")
    args.add("--home=" + ctx.attr.home)
    args.add(checked, format = "--output=%s")
    layer_tool.run(
        ctx,
        "interpreter",
        args,
        # A layout's blobs may be links to files that only its runfiles name.
        inputs = depset([ctx.file.base], transitive = [ctx.attr.base[DefaultInfo].default_runfiles.files]),
        outputs = [checked],
        mnemonic = "BaseInterpreter",
        progress_message = "Looking for the interpreter in the base of %{label}",
    )

    # A validation: it runs beside whatever is made of this target and fails the build, without being an input of it.
    return [
        DefaultInfo(files = depset()),
        OutputGroupInfo(_validation = depset([checked])),
    ]

base_interpreter = rule(
    implementation = _base_interpreter_impl,
    doc = """Fails the build of whatever has this in its `data` when the base lacks the interpreter, such as `python3.13`, in `home`.

    Links are followed below the base's own root. A base with layers in zstd isn't looked into.""",
    attrs = layer_tool.attrs | {
        "base": attr.label(
            allow_single_file = True,
            doc = "The base: an `oci_image`, or what `oci.pull` gives.",
            mandatory = True,
        ),
        "home": attr.string(
            default = "/usr/local/bin",
            doc = "Absolute path of the folder in the base image that holds `python3.X`.",
        ),
    },
    toolchains = layer_tool.toolchains,
)
