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

def _copy(rctx, file):
    """Copies a file of the project: (what is wrong, its SHA-256)."""
    path = rctx.path(rctx.attr.path)
    if not path.exists:
        return "{} isn't there".format(path), None
    rctx.watch(path)
    got = rctx.download(url = "file://" + _quoted(str(path)), output = file, sha256 = rctx.attr.sha256, allow_fail = True)
    return None if got.success else "{} is another file than the lock pins by sha256".format(path), got.sha256

def _quoted(path):
    """A path as a part of an address (RFC 3986), as far as Bazel needs it."""
    return path.replace("%", "%25").replace(" ", "%20").replace("#", "%23").replace("?", "%3F")

def _locked_file_repository_impl(rctx):
    file = rctx.attr.file
    sha256 = rctx.attr.sha256
    indexes = [tuple(index.split(" ", 1)) for index in rctx.attr.indexes]
    if rctx.attr.path:
        # In the project itself: its own file, which the lock pins all the same, or which is a source like the others.
        problem, sha256 = _copy(rctx, file)
    else:
        problem = download(rctx, rctx.attr.distribution, file, rctx.attr.sha256, rctx.attr.url, indexes)
    if problem:
        fail("{} {}: {} can't be had: {}.".format(rctx.attr.distribution, rctx.attr.version, file, problem))
    size = rctx.execute(["stat", "-c", "%s", file]).stdout.strip()
    rctx.file("BUILD.bazel", _BUILD.format(
        file = repr(file),
        rules = repr(str(Label("//uv/private:distribution.bzl"))),
        sha256 = repr(sha256),
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
        "sha256": attr.string(doc = "64 hexadecimal digits; `\"\"` for a file of the project that the lock has no hash of.", mandatory = True),
        "url": attr.string(doc = "Its address in the lock."),
        "version": attr.string(doc = "Locked version, for messages."),
    },
)
