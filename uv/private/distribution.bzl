"""Rules that carry a locked distribution, and a set of them, from the repositories to the layers."""

load("//uv:providers.bzl", "DistributionInfo", "DistributionSetInfo")
load(":wheel_tool.bzl", "wheel_tool")

LockedFileInfo = provider(
    doc = "A wheel, and the file that the lock pins: the same, or the source that it was built from.",
    fields = ["file", "filename", "sha256", "size"],
)

def _locked_file_impl(ctx):
    return [
        DefaultInfo(files = depset([ctx.file.file])),
        LockedFileInfo(
            file = ctx.file.file,
            filename = ctx.file.file.basename,
            sha256 = ctx.attr.sha256,
            size = ctx.attr.size,
        ),
    ]

locked_file = rule(
    doc = "A file that a lock pins, as `locked_file_repository` leaves it.",
    implementation = _locked_file_impl,
    attrs = {
        "file": attr.label(allow_single_file = True, mandatory = True),
        "sha256": attr.string(doc = "64 hexadecimal digits."),
        "size": attr.int(doc = "Bytes."),
    },
)

def _built_wheel_impl(ctx):
    source = ctx.attr.source[LockedFileInfo]
    label = "{} {}".format(ctx.attr.distribution, ctx.attr.version).strip()
    wheel = ctx.actions.declare_file("{}/{}-{}-py3-none-any.whl".format(
        ctx.label.name,
        ctx.attr.distribution.replace("-", "_"),
        ctx.attr.version or "0",
    ))
    args = ctx.actions.args()
    args.add(wheel)
    args.add(label)
    args.add(ctx.attr.version)
    args.add(ctx.attr.subdirectory)
    args.add_all([ctx.file._backends], expand_directories = False)
    args.add(source.file)
    if ctx.attr.hint:
        args.add(ctx.attr.hint)
    wheel_tool.run(
        ctx,
        "build",
        args,
        inputs = [source.file, ctx.file._backends],
        outputs = [wheel],
        mnemonic = "BuildWheel",
        progress_message = "Building a wheel of " + label,
    )
    return [
        DefaultInfo(files = depset([wheel])),
        LockedFileInfo(file = wheel, filename = source.filename, sha256 = source.sha256, size = 0),
    ]

built_wheel = rule(
    doc = """A wheel, built from source by its own PEP 517 backend, without a network.

The backends are those of //uv/backends. A wheel for one platform, or a backend that isn't pinned, fails the build with
one sentence.""",
    implementation = _built_wheel_impl,
    attrs = wheel_tool.attrs | {
        "distribution": attr.string(doc = "Normalised name.", mandatory = True),
        "hint": attr.string(doc = "What else to do when it can't be built, a sentence."),
        "source": attr.label(doc = "A source distribution, or an archive of a tree.", mandatory = True, providers = [LockedFileInfo]),
        "subdirectory": attr.string(doc = "Folder in the source."),
        "version": attr.string(doc = "Locked version; `\"\"` when only the backend knows it."),
        "_backends": attr.label(allow_single_file = True, cfg = "exec", default = Label("//uv/backends:environment")),
    },
    toolchains = wheel_tool.toolchains,
)

def _distribution_impl(ctx):
    if ctx.attr.error:
        fail("{} {}: {}.".format(ctx.attr.distribution, ctx.attr.version, ctx.attr.error))
    locked = ctx.attr.wheel[LockedFileInfo]
    return [
        DefaultInfo(files = depset([locked.file])),
        DistributionInfo(
            filename = locked.filename,
            name = ctx.attr.distribution,
            platform = ctx.attr.platform,
            requires = ctx.attr.requires,
            sha256 = locked.sha256,
            size = locked.size,
            version = ctx.attr.version,
            wheel = locked.file,
        ),
    ]

distribution = rule(
    doc = "A distribution of the lock on one platform. Provides `DistributionInfo`.",
    implementation = _distribution_impl,
    attrs = {
        "distribution": attr.string(doc = "Normalised name.", mandatory = True),
        "error": attr.string(doc = "Why there is no wheel: it fails the build of whatever uses this."),
        "platform": attr.string(doc = "`linux/amd64` or `linux/arm64`.", mandatory = True),
        "requires": attr.string_list(doc = "Normalised names of its direct dependencies."),
        "version": attr.string(doc = "Locked version.", mandatory = True),
        "wheel": attr.label(doc = "A `locked_file` or a `built_wheel`.", providers = [LockedFileInfo]),
    },
    provides = [DistributionInfo],
)

def _label(distribution):
    return "{} {}".format(distribution.name, distribution.version)

def _environment_impl(ctx):
    tree = ctx.actions.declare_directory(ctx.label.name)
    distributions = [target[DistributionInfo] for target in ctx.attr.distributions]
    for target in ctx.attr.sets:
        distributions = distributions + target[DistributionSetInfo].distributions
    args = ctx.actions.args()
    args.add_all([tree], expand_directories = False)
    for each in distributions:
        args.add(_label(each))
        args.add(each.wheel)
    wheel_tool.run(
        ctx,
        "environment",
        args,
        inputs = [each.wheel for each in distributions],
        outputs = [tree],
        mnemonic = "WheelTree",
        progress_message = "Unpacking " + ", ".join([_label(each) for each in distributions]),
    )
    return [DefaultInfo(files = depset([tree]), runfiles = ctx.runfiles([tree]))]

environment = rule(
    doc = """A tree of the distributions' files, `<name>/lib/python3.X/site-packages/…`, for tests and tools.

Neither console scripts nor bytecode.""",
    implementation = _environment_impl,
    attrs = wheel_tool.attrs | {
        "distributions": attr.label_list(providers = [DistributionInfo]),
        "sets": attr.label_list(providers = [DistributionSetInfo]),
    },
    toolchains = wheel_tool.toolchains,
)

def _distribution_set_impl(ctx):
    if ctx.attr.error:
        fail("{}: {}.".format(ctx.label, ctx.attr.error))
    distributions = [target[DistributionInfo] for target in ctx.attr.distributions]
    request = ctx.actions.declare_file(ctx.label.name + ".request.json")
    ctx.actions.write(request, json.encode({
        "collisions": ctx.attr.collisions,
        "distributions": [
            {
                "name": each.name,
                "path": each.wheel.path,
                "requires": each.requires,
                "sha256": each.sha256,
                "version": each.version,
                "wheel": each.filename,
            }
            for each in distributions
        ],
        "platform": ctx.attr.platform,
        "winners": ctx.attr.winners,
    }))
    facts = ctx.actions.declare_file(ctx.label.name + ".json")
    lost = ctx.actions.declare_file(ctx.label.name + ".lost.json")
    args = ctx.actions.args()
    args.add(facts)
    args.add(lost)
    args.add(request)
    wheel_tool.run(
        ctx,
        "set",
        args,
        inputs = [request] + [each.wheel for each in distributions],
        outputs = [facts, lost],
        mnemonic = "DistributionSet",
        progress_message = "Comparing the distributions of %{label}",
    )
    return [
        DefaultInfo(files = depset([facts])),
        OutputGroupInfo(wheels = depset([each.wheel for each in distributions])),
        DistributionSetInfo(
            distributions = distributions,
            facts = facts,
            lost = lost,
            platform = ctx.attr.platform,
            python = ctx.attr.version,
        ),
    ]

distribution_set = rule(
    doc = """Distributions that share one environment. Provides `DistributionSetInfo`.

The default output is a JSON listing of names, versions, files, hashes, licences and edges; the output group `wheels` has
the wheels. Where two distributions have
one path with different content, that of the one whose name comes last in the alphabet wins, or of one in `winners`.""",
    implementation = _distribution_set_impl,
    attrs = wheel_tool.attrs | {
        "collisions": attr.string(default = "warn", values = ["error", "warn"]),
        "distributions": attr.label_list(doc = "Sorted by name.", providers = [DistributionInfo]),
        "error": attr.string(doc = "Why there is no such set: it fails the build of whatever uses this."),
        "platform": attr.string(doc = "`linux/amd64` or `linux/arm64`.", mandatory = True),
        "version": attr.string(doc = "The Python that the set is for, such as `3.13`.", mandatory = True),
        "winners": attr.string_list(doc = "Names of distributions whose files win, the first of these first."),
    },
    provides = [DistributionSetInfo],
    toolchains = wheel_tool.toolchains,
)
