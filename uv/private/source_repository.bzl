"""Repository rules: a distribution's source that isn't a file of an index, as one archive."""

load(":index.bzl", "split_credentials")

_BUILD = """\
load({rules}, "locked_file")

locked_file(
    name = "file",
    file = "source.tar",
    visibility = ["//visibility:public"],
)
"""

# Writes a tree as a tar: sorted, owned by nobody, without what no build backend reads.
_PACK = """
import os, sys, tarfile
root, archive = sys.argv[1:]
left_out = {".git", ".hg", ".venv", ".tox", ".nox", "__pycache__", "node_modules", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
    for parent, folders, files in os.walk(root):
        folders[:] = sorted(
            each for each in folders
            if each not in left_out and not each.startswith("bazel-") and not os.path.exists(os.path.join(parent, each, "pyvenv.cfg"))
        )
        for name in sorted(files) + [each for each in folders if os.path.islink(os.path.join(parent, each))]:
            path = os.path.join(parent, name)
            entry = tar.gettarinfo(path, os.path.relpath(path, root))
            if entry is None:
                continue
            entry.uid = entry.gid = entry.mtime = 0
            entry.uname = entry.gname = ""
            entry.mode = 0o755 if entry.mode & 0o100 else 0o644
            if entry.isreg():
                with open(path, "rb") as content:
                    tar.addfile(entry, content)
            elif entry.issym():
                tar.addfile(entry)
"""

def _finish(rctx):
    rctx.file("BUILD.bazel", _BUILD.format(rules = repr(str(Label("//uv/private:distribution.bzl")))))

def _directory_source_impl(rctx):
    folder = rctx.path(rctx.attr.path)
    if not folder.exists:
        fail("{} isn't there: uv.lock names it as a source.".format(rctx.attr.path))
    rctx.watch_tree(folder)
    python = rctx.which("python3")
    if not python:
        fail("{} can't be packed: there is no python3 on PATH. Install it.".format(rctx.attr.path))
    done = rctx.execute([python, "-c", _PACK, folder, "source.tar"])
    if done.return_code:
        fail("{} can't be read: {}".format(rctx.attr.path, (done.stderr.strip().splitlines() or ["?"])[-1]))
    _finish(rctx)

directory_source = repository_rule(
    doc = "A folder of the project, such as a workspace's member, as `@<name>//:file`. It follows the folder's files.",
    implementation = _directory_source_impl,
    attrs = {"path": attr.string(doc = "Absolute path.", mandatory = True)},
)

def _last_words(stderr):
    """git's last line, without addresses: they may hold credentials."""
    line = (stderr.strip().splitlines() or ["nothing"])[-1]
    return " ".join(["<address>" if "://" in word or "@" in word else word for word in line.split(" ")])

def _git_source_impl(rctx):
    git = rctx.which("git")
    if not git:
        fail("{} is locked from a Git repository, and there is no git on PATH. Install it.".format(rctx.attr.distribution))

    # A commit is all that is fetched, where the server allows that; else every branch.
    commands = [
        ["init", "--quiet", "clone"],
        ["-C", "clone", "fetch", "--quiet", "--depth=1", rctx.attr.remote, rctx.attr.commit],
        ["-C", "clone", "archive", "--format=tar", "--output=../source.tar", rctx.attr.commit],
    ]
    for number, command in enumerate(commands):
        done = rctx.execute([git] + command, environment = {"GIT_TERMINAL_PROMPT": "0"}, timeout = 1800)
        if done.return_code and number == 1:
            done = rctx.execute([
                git,
                "-C",
                "clone",
                "fetch",
                "--quiet",
                rctx.attr.remote,
                "+refs/*:refs/fetched/*",
            ], environment = {"GIT_TERMINAL_PROMPT": "0"}, timeout = 1800)
        if done.return_code:
            rctx.delete("clone")
            fail("{}: commit {} can't be had from {}, git says: {}. Check the network and git's credentials.".format(
                rctx.attr.distribution,
                rctx.attr.commit,
                split_credentials(rctx.attr.remote)[0],
                _last_words(done.stderr),
            ))
    rctx.delete("clone")
    _finish(rctx)

git_source = repository_rule(
    doc = "The tree of a commit, as `@<name>//:file`.",
    implementation = _git_source_impl,
    attrs = {
        "commit": attr.string(doc = "40 hexadecimal digits.", mandatory = True),
        "distribution": attr.string(doc = "For messages.", mandatory = True),
        "remote": attr.string(doc = "The repository's address.", mandatory = True),
    },
)
