"""Rule: the layer with the virtual environment itself."""

load(":layer_tool.bzl", "layer_tool")

def _venv_layer_impl(ctx):
    layer = ctx.actions.declare_file(ctx.label.name + ".tar.gz")
    args = ctx.actions.args()
    args.add("--environment=" + ctx.attr.environment)
    args.add("--home=" + ctx.attr.home)
    args.add(ctx.file._guard, format = "--guard=%s")
    args.add("--bytecode={}".format(int(ctx.attr.bytecode)))
    args.add(layer, format = "--output=%s")
    layer_tool.run(
        ctx,
        "venv",
        args,
        inputs = [ctx.file._guard],
        outputs = [layer],
        mnemonic = "VenvLayer",
        progress_message = "Virtual environment layer %{label}",
    )
    return DefaultInfo(files = depset([layer]))

venv_layer = rule(
    implementation = _venv_layer_impl,
    doc = """Makes `<name>.tar.gz`: `pyvenv.cfg` and the links to the base's interpreter (PEP 405).

    What `python -m venv` would make, without any distribution; and `fastapi_image_guard`, a module
    that bounds what uvicorn keeps of requests' heads, with the .pth file that has Python import it.""",
    attrs = layer_tool.attrs | {
        "bytecode": attr.bool(
            default = True,
            doc = "Compile the module to unchecked-hash bytecode (PEP 552).",
        ),
        "environment": attr.string(
            default = "app/.venv",
            doc = "The virtual environment's place in the image, relative to `/`.",
        ),
        "home": attr.string(
            default = "/usr/local/bin",
            doc = "Absolute path of the folder in the base image that holds `python3.X`.",
        ),
        "_guard": attr.label(
            allow_single_file = True,
            default = Label("//image/private:fastapi_image_guard.py"),
        ),
    },
    toolchains = layer_tool.toolchains,
)
