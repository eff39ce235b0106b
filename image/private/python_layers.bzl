"""Rule: layers of locked Python distributions."""

load("//uv:providers.bzl", "DistributionSetInfo")
load(":layer_groups.bzl", "layer_groups")
load(":layer_tool.bzl", "layer_tool")

def _layer(ctx, group):
    """Declares one layer and its action; returns the File."""
    lost = ctx.attr.distributions[DistributionSetInfo].lost
    layer = ctx.actions.declare_file("{}/{}.tar.gz".format(ctx.label.name, group.name))
    args = ctx.actions.args()
    for distribution in group.distributions:
        args.add("--distribution={} {}".format(distribution.name, distribution.version))
        args.add(distribution.wheel, format = "--wheel=%s")
    args.add(lost, format = "--lost=%s")
    args.add("--environment=" + ctx.attr.environment)
    args.add("--bytecode={}".format(int(ctx.attr.bytecode)))
    args.add("--strip={}".format(int(ctx.attr.strip)))
    args.add("--level={}".format(ctx.attr.compression_level))
    args.add(layer, format = "--output=%s")
    members = ["{} {}".format(each.name, each.version).strip() for each in group.distributions]
    layer_tool.run(
        ctx,
        "distributions",
        args,
        inputs = [distribution.wheel for distribution in group.distributions] + [lost],
        outputs = [layer],
        mnemonic = "PythonLayer",
        progress_message = "Python layer " + ", ".join(members),
    )
    return layer

def _groups(ctx, distribution_set):
    """Returns the layers that a platform's distributions make; fails if there is no room for any."""
    room = ctx.attr.max_layers - ctx.attr.other_layers
    if room < 1 and distribution_set.distributions:
        fail("{}: {} layers are there without any of distributions: raise max_layers from {} to at least {}".format(
            ctx.label,
            ctx.attr.other_layers,
            ctx.attr.max_layers,
            ctx.attr.other_layers + 1,
        ))
    groups = layer_groups(
        distribution_set.distributions,
        ctx.attr.large_distribution,
        ctx.attr.small_layers,
        room,
    )

    # A project may need none; oci_image takes no target without a tarball.
    return groups or [struct(distributions = [], name = "none")]

def _python_layers_impl(ctx):
    locked = ctx.attr.distributions[DistributionSetInfo]
    if ctx.attr.version and locked.python and ctx.attr.version != locked.python:
        fail(("{}: its distributions are for Python {}, and not for {}: say python = \"{}\" in uv.lock() of MODULE.bazel, " +
              "or leave python out here").format(ctx.label, locked.python, ctx.attr.version, ctx.attr.version))
    groups = _groups(ctx, locked)
    return DefaultInfo(files = depset([_layer(ctx, group) for group in groups], order = "preorder"))

python_layers = rule(
    implementation = _python_layers_impl,
    doc = """Makes one deterministic `.tar.gz` for each large distribution and for each group of small ones.

    They are in the order of their names. A layer is named after what it holds: `fastapi_0.163.2.tar.gz`,
    `small_3.tar.gz`. A distribution without compiled code gives the same layer on every platform.

    There are never more layers than `max_layers` leaves room for: the largest distributions have their
    own as far as it reaches. Fails at analysis when `other_layers` alone are as many.""",
    attrs = layer_tool.attrs | {
        "bytecode": attr.bool(
            default = True,
            doc = "Compile every module to unchecked-hash bytecode (PEP 552).",
        ),
        "compression_level": attr.int(default = 5, doc = "zlib's level, 1 to 9."),
        "distributions": attr.label(
            doc = "The set for one platform, such as `@pypi//:runtime_linux_amd64`.",
            mandatory = True,
            providers = [DistributionSetInfo],
        ),
        "environment": attr.string(
            default = "app/.venv",
            doc = "The virtual environment's place in the image, relative to `/`.",
        ),
        "large_distribution": attr.int(
            default = 150000,
            doc = "Size of its wheel in bytes from which on a distribution has a layer to itself, if there is room.",
        ),
        "max_layers": attr.int(default = 40, doc = "Most layers that the whole image may have."),
        "other_layers": attr.int(
            default = 7,
            doc = "Number of the image's layers that this rule doesn't make: those of the base and the application.",
        ),
        "small_layers": attr.int(
            default = 11,
            doc = "Number of layers for the other distributions, if there is room; a prime deals them out most evenly.",
        ),
        "strip": attr.bool(
            default = True,
            doc = "Take debug sections and symbol tables out of compiled code.",
        ),
        "version": attr.string(doc = "The Python that the image is to have, such as `3.14`. Default: that of the distributions."),
    },
    toolchains = layer_tool.toolchains,
)
