"""Targets for what a stand-in does not offer: they load, and say so when they are built."""

def _refused_impl(ctx):
    fail(ctx.attr.message)

_refused = rule(
    implementation = _refused_impl,
    doc = "Fails with its message when it is analysed.",
    attrs = {"message": attr.string(mandatory = True)},
)

def refuse(name, module, what, visibility = None):
    """Declares a target that fails with one line when it is built.

    Args:
      name: name of the target that the user asked for.
      module: name of the module that the stand-in takes the place of.
      what: what is not offered, such as "py_wheel" or "py_test(main_module)".
      visibility: visibility of the target.
    """
    _refused(
        name = name,
        message = "{} is not in mirror mode's stand-in of {}: see registry/README.md".format(what, module),
        tags = ["manual"],
        visibility = visibility,
    )
