"""Rules that carry a locked distribution, and a set of them, from the repositories to the layers."""

load("//uv:providers.bzl", "DistributionInfo", "DistributionSetInfo", "distribution_fact")

_InstalledInfo = provider(
    doc = "What a wheel left on disk: the part of DistributionInfo that the lock doesn't know.",
    fields = ["data", "files", "licence", "listing", "root", "scripts", "sha256", "size", "wheel"],
)

def _installed_distribution_impl(ctx):
    return [
        DefaultInfo(files = depset(ctx.files.files)),
        _InstalledInfo(
            data = depset(ctx.files.data),
            files = depset(ctx.files.files),
            licence = ctx.attr.licence,
            listing = ctx.file.listing,
            # RECORD lies in the .dist-info directory, which lies in site-packages.
            root = ctx.file.record.dirname.rpartition("/")[0] if ctx.file.record else ctx.files.files[0].path,
            scripts = depset(ctx.files.scripts),
            sha256 = ctx.attr.sha256,
            size = ctx.attr.size,
            wheel = ctx.attr.wheel,
        ),
    ]

installed_distribution = rule(
    doc = "A wheel's installed files, as `distribution_repository` leaves them.",
    implementation = _installed_distribution_impl,
    attrs = {
        "data": attr.label_list(doc = "The wheel's data and headers.", allow_files = True),
        "files": attr.label_list(doc = "The site-packages tree.", allow_files = True),
        "licence": attr.string(doc = "SPDX expression or name, may be empty."),
        "listing": attr.label(doc = "SHA-256, size and path of every file.", allow_single_file = True, mandatory = True),
        "record": attr.label(doc = "RECORD; none when `files` is a directory.", allow_single_file = True),
        "scripts": attr.label_list(doc = "The wheel's own scripts.", allow_files = True),
        "sha256": attr.string(doc = "Of the wheel.", mandatory = True),
        "size": attr.int(doc = "Unpacked bytes.", mandatory = True),
        "wheel": attr.string(doc = "File name.", mandatory = True),
    },
)

def _unpacked_directory_impl(ctx):
    directory = ctx.actions.declare_directory(ctx.attr.directory)
    runtime = ctx.toolchains["@rules_python//python:toolchain_type"].py3_runtime
    ctx.actions.run(
        arguments = ["-I", "-B", ctx.file._unpack.path, ctx.file.archive.path, directory.path],
        executable = runtime.interpreter or runtime.interpreter_path,
        inputs = [ctx.file._unpack, ctx.file.archive],
        mnemonic = "DistributionUnpack",
        outputs = [directory],
        progress_message = "Unpacking %{input}",
        tools = [runtime.files] if runtime.interpreter else [],
    )
    return [DefaultInfo(files = depset([directory]), runfiles = ctx.runfiles([directory]))]

unpacked_directory = rule(
    doc = "A directory artifact, for a tree with file names that can't be labels.",
    implementation = _unpacked_directory_impl,
    attrs = {
        "archive": attr.label(doc = "Tar of the tree.", allow_single_file = True, mandatory = True),
        "directory": attr.string(doc = "Path of the directory in the package.", mandatory = True),
        "_unpack": attr.label(allow_single_file = True, default = "//uv/private:unpack.py"),
    },
    toolchains = ["@rules_python//python:toolchain_type"],
)

def _distribution_impl(ctx):
    installed = ctx.attr.installed[_InstalledInfo]
    return [
        ctx.attr.installed[DefaultInfo],
        DistributionInfo(
            name = ctx.attr.distribution,
            version = ctx.attr.version,
            platform = ctx.attr.platform,
            files = installed.files,
            scripts = installed.scripts,
            data = installed.data,
            listing = installed.listing,
            root = installed.root,
            size = installed.size,
            requires = ctx.attr.requires,
            wheel = installed.wheel,
            sha256 = installed.sha256,
            licence = installed.licence,
        ),
    ]

distribution = rule(
    doc = "A distribution of the lock on one platform. Provides `DistributionInfo`.",
    implementation = _distribution_impl,
    attrs = {
        "distribution": attr.string(doc = "Normalised name.", mandatory = True),
        "installed": attr.label(doc = "Its `installed_distribution`.", mandatory = True, providers = [_InstalledInfo]),
        "platform": attr.string(doc = "`linux/amd64` or `linux/arm64`.", mandatory = True),
        "requires": attr.string_list(doc = "Normalised names of its direct dependencies."),
        "version": attr.string(doc = "Locked version.", mandatory = True),
    },
    provides = [DistributionInfo],
)

def _distribution_set_impl(ctx):
    distributions = [target[DistributionInfo] for target in ctx.attr.distributions]
    facts = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(facts, json.encode_indent({
        "distributions": [distribution_fact(distribution) for distribution in distributions],
        "platform": ctx.attr.platform,
    }, indent = "  ") + "\n")

    # A validation: it runs beside whatever uses the set and fails the build, without being an input of the layers.
    checked = ctx.actions.declare_file(ctx.label.name + ".checked")
    runtime = ctx.toolchains["@rules_python//python:toolchain_type"].py3_runtime
    arguments = ctx.actions.args()
    arguments.add("-I").add("-B").add(ctx.file._collisions).add(checked)
    for distribution in distributions:
        arguments.add(distribution.name).add(distribution.listing)
    ctx.actions.run(
        arguments = [arguments],
        executable = runtime.interpreter or runtime.interpreter_path,
        inputs = [ctx.file._collisions] + [distribution.listing for distribution in distributions],
        mnemonic = "DistributionCollisions",
        outputs = [checked],
        progress_message = "Looking for collisions among the distributions of %{label}",
        tools = [runtime.files] if runtime.interpreter else [],
    )
    return [
        DefaultInfo(files = depset([facts])),
        OutputGroupInfo(_validation = depset([checked])),
        DistributionSetInfo(distributions = distributions, platform = ctx.attr.platform),
    ]

distribution_set = rule(
    doc = """Distributions that share one environment. Provides `DistributionSetInfo`.

The default output is a JSON listing of names, versions, wheels, hashes, licences and edges. Building anything that
uses the set also checks that no two distributions own one path with different content.""",
    implementation = _distribution_set_impl,
    attrs = {
        "distributions": attr.label_list(doc = "Sorted by name.", providers = [DistributionInfo]),
        "platform": attr.string(doc = "`linux/amd64` or `linux/arm64`.", mandatory = True),
        "_collisions": attr.label(allow_single_file = True, default = "//uv/private:collisions.py"),
    },
    provides = [DistributionSetInfo],
    toolchains = ["@rules_python//python:toolchain_type"],
)
