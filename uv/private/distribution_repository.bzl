"""Repository rule: one locked distribution, installed by uv."""

load(":binary.bzl", "uv_path")
load(":platforms.bzl", "PLATFORMS", "PYTHON_VERSION")

_BUILD = """\
load("@rules_python//python:defs.bzl", "py_library")
load({rules}, "installed_distribution", "unpacked_directory")

package(default_visibility = ["//visibility:public"])
"""

_LABELLED = """
py_library(
    name = "library",
    srcs = glob(["site-packages/**/*.py"], allow_empty = True),
    data = glob(
        ["bin/**", "data/**", "site-packages/**"],
        allow_empty = True,
        exclude = ["site-packages/**/*.py"],
    ),
    imports = ["site-packages"],
)

installed_distribution(
    name = "installed",
    data = glob(["data/**"], allow_empty = True),
    files = glob(["site-packages/**"]),
    licence = {licence},
    listing = "listing",
    record = {record},
    scripts = glob(["bin/**"], allow_empty = True),
    sha256 = {sha256},
    size = {size},
    wheel = {wheel},
)
"""

# A tree with names that can't be labels is an archive here and becomes directories by an action.
_PACKED = """
[
    unpacked_directory(
        name = archive.removesuffix(".tar") + "_directory",
        archive = archive,
        directory = archive.removesuffix(".tar"),
    )
    for archive in glob(["*.tar"])
]

py_library(
    name = "library",
    data = [archive.removesuffix(".tar") + "_directory" for archive in glob(["*.tar"])],
    imports = ["site-packages"],
)

installed_distribution(
    name = "installed",
    data = [name.removesuffix(".tar") + "_directory" for name in glob(["data.tar"], allow_empty = True)],
    files = ["site-packages_directory"],
    licence = {licence},
    listing = "listing",
    scripts = [name.removesuffix(".tar") + "_directory" for name in glob(["bin.tar"], allow_empty = True)],
    sha256 = {sha256},
    size = {size},
    wheel = {wheel},
)
"""

def _distribution_repository_impl(rctx):
    platform = PLATFORMS[rctx.attr.platform or "linux_amd64"]
    tools = [rctx.path(tool) for tool in rctx.attr._tools]
    result = rctx.execute([
        rctx.path(rctx.attr.python),
        "-I",
        "-B",
        tools[0],
        "--uv={}".format(uv_path(rctx, rctx.attr.uv)),
        "--name=" + rctx.attr.distribution,
        "--version=" + rctx.attr.version,
        "--wheels=" + json.encode(rctx.attr.wheels),
        "--platform=" + (platform.oci if rctx.attr.platform else "Linux"),
        "--python-platform=" + platform.uv,
        "--python-version=" + PYTHON_VERSION,
    ], timeout = 1800)
    if result.return_code != 0:
        fail(result.stderr.strip())
    facts = json.decode(result.stdout)
    rctx.file("BUILD.bazel", (_BUILD + (_PACKED if facts["packed"] else _LABELLED)).format(
        rules = repr(str(Label("//uv/private:distribution.bzl"))),
        licence = repr(facts["licence"]),
        record = repr(facts["record"]),
        sha256 = repr(facts["sha256"]),
        size = facts["size"],
        wheel = repr(facts["wheel"]),
    ))

distribution_repository = repository_rule(
    doc = """One locked distribution, installed for one platform.

Fails with one sentence that names the distribution, and leaves nothing, when uv can't install it.""",
    implementation = _distribution_repository_impl,
    attrs = {
        "distribution": attr.string(doc = "Normalised name.", mandatory = True),
        "platform": attr.string(doc = "A key of PLATFORMS; empty for a pure wheel, the same on all.", values = [""] + PLATFORMS.keys()),
        "python": attr.label(doc = "Interpreter that uv and the clean-up after it run with.", mandatory = True),
        "uv": attr.label(doc = "`pin` of the uv binary.", mandatory = True),
        "version": attr.string(doc = "Locked version.", mandatory = True),
        "wheels": attr.string_dict(doc = "File name → SHA-256 of every locked wheel of this version."),
        "_tools": attr.label_list(default = [
            "//uv/private:install.py",
            "//uv/private:settle.py",
        ]),
    },
)
