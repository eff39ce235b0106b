"""Has a lock read by //uv/private/python/reader, on the interpreter of the base."""

load(":binary.bzl", "uv_path")
load(":platforms.bzl", "PLATFORMS", "uv_platform")

_READER = ["__main__", "__init__", "errors", "read", "sources", "uv_command", "wheels"]

def read_lock(mctx, tag, python, pythons, interpreter, glibc, runtime, sets):
    """Reads the lock of a `uv.lock` tag; fails with one sentence when it can't be used.

    Args:
        mctx: the module extension's context.
        tag: the tag, with `lock`, `pyproject`, `uv` and `libraries`.
        python: the image's Python, such as `3.13`.
        pythons: others that the project allows, for messages.
        interpreter: label of one.
        glibc: minor version of the base's glibc.
        runtime: dict of what the set `runtime` is: see //uv/private/python/reader:__main__.py.
        sets: name → the same, of further sets.

    Returns:
        The reader's answer, a dict.
    """
    for file, remedy in [(tag.lock, "Run `uv lock`."), (tag.pyproject, "Write it.")]:
        if not mctx.path(file).exists:
            fail("{} is missing. {}".format(file, remedy))
    reader = [mctx.path(Label("//uv/private/python/reader:{}.py".format(module))) for module in _READER]
    mctx.file("home/.keep")
    mctx.file("request.json", json.encode({
        "home": str(mctx.path("home")),
        "lock": str(mctx.path(tag.lock)),
        "libraries": [str(mctx.path(library)) for library in tag.libraries],
        "platforms": {
            name: {
                "arch": platform.arch,
                "glibc": glibc,
                "oci": platform.oci,
                "uv": uv_platform(platform, glibc),
            }
            for name, platform in PLATFORMS.items()
        },
        "project": str(mctx.path(tag.pyproject).dirname),
        "python": python,
        "pythons": pythons,
        "runtime": runtime,
        "sets": sets,
        "uv": str(uv_path(mctx, tag.uv)),
    }))
    done = mctx.execute([mctx.path(interpreter), "-I", "-B", reader[0], "request.json"])
    if done.return_code:
        fail("{}: {}".format(tag.lock, done.stderr.strip()))
    answer = json.decode(done.stdout)

    # uv reads more than the two that have labels: a workspace's members. What lies outside of the main workspace, in a
    # module that is overridden by a path, Bazel doesn't let anybody watch.
    label = tag.pyproject
    folder = str(mctx.path(label).dirname.realpath)
    workspace = folder.removesuffix(label.package) if label.package else folder + "/"
    for path in answer["watch"] if not label.repo_name else []:
        if path.startswith(workspace):
            mctx.watch(path)
    return answer
