"""Repository rule: one file of a lock, a wheel or a source distribution, and nothing else."""

load(":index.bzl", "download")

_BUILD = """\
load({rules}, "locked_file")

locked_file(
    name = "file",
    file = {file},
    sha256 = {sha256},
    size = {size},
    visibility = ["//visibility:public"],
)
"""

def _locked_file_repository_impl(rctx):
    file = rctx.attr.file
    indexes = [tuple(index.split(" ", 1)) for index in rctx.attr.indexes]
    if rctx.attr.path:
        # In the project itself: its own file, which the lock pins all the same.
        got = rctx.download(url = "file://" + rctx.attr.path, output = file, sha256 = rctx.attr.sha256, allow_fail = True)
        problem = None if got.success else "{} isn't there, or is another file than the lock pins by sha256".format(rctx.attr.path)
    else:
        problem = download(rctx, rctx.attr.distribution, file, rctx.attr.sha256, rctx.attr.url, indexes)
    if problem:
        fail("{} {}: {} can't be had: {}.".format(rctx.attr.distribution, rctx.attr.version, file, problem))
    size = rctx.execute(["stat", "-c", "%s", file]).stdout.strip()
    rctx.file("BUILD.bazel", _BUILD.format(
        file = repr(file),
        rules = repr(str(Label("//uv/private:distribution.bzl"))),
        sha256 = repr(rctx.attr.sha256),
        size = size,
    ))

locked_file_repository = repository_rule(
    doc = """One file that a lock pins, as `@<name>//:file`: downloaded by its SHA-256, never unpacked.

Fails with one sentence that names the distribution and where it was looked for.""",
    implementation = _locked_file_repository_impl,
    attrs = {
        "distribution": attr.string(doc = "Normalised name.", mandatory = True),
        "file": attr.string(doc = "File name.", mandatory = True),
        "indexes": attr.string_list(doc = "`NAME ADDRESS` of each `[[tool.uv.index]]` that may have it."),
        "path": attr.string(doc = "Absolute path, for a file of the project itself."),
        "sha256": attr.string(doc = "64 hexadecimal digits.", mandatory = True),
        "url": attr.string(doc = "Its address in the lock."),
        "version": attr.string(doc = "Locked version, for messages."),
    },
)
