"""Locked Python distributions as Bazel repositories: `uv.lock` → `@pypi`.

```starlark
uv = use_extension("@fastapi_image//uv:extensions.bzl", "uv")
uv.lock(
    name = "pypi",
    lock = "//:uv.lock",
    pyproject = "//:pyproject.toml",
)
use_repo(uv, "pypi")
```

uv reads the lock, frozen, where it lies: with its workspace, its groups, its conflicts. What it would install is what the
sets hold. Each wheel or source distribution is a repository of one file, downloaded by its SHA-256 when a build needs it.
Then there are

| target | what it is |
|---|---|
| `@pypi//<name>` | a `py_library`, with the distributions that it requires |
| `@pypi//<name>:linux_amd64`, `@pypi//<name>:linux_arm64` | `DistributionInfo` of `//uv:providers.bzl` |
| `@pypi//:runtime_linux_amd64`, … | `DistributionSetInfo` of what `uv sync --no-dev` installs; its default output is a JSON listing |
| `@pypi//:<group>_linux_amd64`, `@pypi//:extra_<extra>_linux_amd64`, … | the same with `--group` or `--extra` of the project |
| `@pypi//:runtime`, `@pypi//:<group>`, … | a `py_library` of each set |
| `@pypi//:python_3_13`, … | `config_setting`s: the one of the lock's Python is true |
| `@pypi//:requirements.txt` | every pin with its hashes, for `create_venv` of rules_uv |

The lock may be as plain `uv lock` writes it or in the portable form of `bazel run //:lock`. Where files come from:
`//uv/private:index.bzl`. A distribution without a wheel is built from its source by its own PEP 517 backend, in an
action without a network.
"""

load(
    "//tools:pythons.bzl",
    "PYTHONS",
    "glibc_minor",
    "python_interpreter",
    "python_missing",
    "python_runtime",
    "supply_mode",
)
load("//uv/private:hub_repository.bzl", "hub_repository")
load("//uv/private:lock.bzl", "read_lock")
load("//uv/private:locked_file.bzl", "locked_file_repository")
load("//uv/private:python_version.bzl", "allows", "requires_python")
load("//uv/private:source_repository.bzl", "directory_source", "git_source")
load("//uv/private:tools.bzl", "tool_wheel")

def _pinned_python(mctx, tag):
    """The minor version in the project's `.python-version`, which uv follows, or None."""
    file = mctx.path(tag.pyproject).dirname.get_child(".python-version")
    if not file.exists:
        return None
    words = [line.strip() for line in mctx.read(file).splitlines() if line.strip() and not line.startswith("#")]
    return ".".join(words[0].removeprefix("cpython@").split(".")[:2]) if words else None

def _python(mctx, tag):
    """The Python of a lock's image, an interpreter to run uv with, the base's glibc, what actions run on, which would do."""
    specifiers = requires_python(mctx.read(tag.lock)) if mctx.path(tag.lock).exists else ""
    allowed = [each for each in PYTHONS if allows(specifiers, each)]
    pinned = _pinned_python(mctx, tag)
    if pinned in allowed:
        allowed = [pinned] + [each for each in allowed if each != pinned]
    version = tag.python or (allowed + [""])[0]
    if not version:
        fail("{} asks for Python {} in requires-python; there are bases with {}.".format(tag.lock, specifiers, ", ".join(PYTHONS)))
    for label, runtime in tag.interpreters.items():
        return version, label, glibc_minor("hub", version), runtime, []
    mode = supply_mode(mctx)
    missing = python_missing(mode, version)
    if missing:
        # Another that requires-python allows, where the project leaves it open.
        others = [each for each in allowed if not python_missing(mode, each)]
        if tag.python or not others:
            fail("{}: {}.".format(tag.lock, missing))
        version = others[0]
        if pinned and pinned != version:
            # buildifier: disable=print
            print("{}: Python {}, as {} mode has no base with the {} of .python-version".format(tag.lock, version, mode, pinned))
    available = [each for each in allowed if not python_missing(mode, each)]
    return version, python_interpreter(mode, version), glibc_minor(mode, version), str(python_runtime(version)), available

def _choice(tag):
    return {
        "default_groups": tag.default_groups,
        "extras": tag.extras,
        "groups": tag.groups,
        "package": tag.package,
    }

def _repository_name(hub, text):
    """A repository's name: letters, digits, `-`, `.` and `_`."""
    return hub + "__" + "".join([c if c.isalnum() or c in "-._" else "_" for c in text.elems()])

def _fetch(hub, artifact, distribution, answer, made):
    """Makes the repository of an artifact; returns its name."""
    if artifact["kind"] == "git":
        name = _repository_name(hub, "{}-{}".format(distribution["name"], artifact["commit"]))
    elif artifact["kind"] == "directory":
        name = _repository_name(hub, distribution["name"] + "-source")
    else:
        name = _repository_name(hub, artifact["file"])
    if name in made:
        return name
    made[name] = True
    if artifact["kind"] == "git":
        git_source(name = name, commit = artifact["commit"], distribution = distribution["name"], remote = artifact["url"])
    elif artifact["kind"] == "directory":
        directory_source(name = name, path = artifact["path"])
    else:
        locked_file_repository(
            name = name,
            distribution = distribution["name"],
            file = artifact["file"],
            indexes = answer["indexes"],
            path = artifact.get("path", ""),
            sha256 = artifact["sha256"],
            url = artifact.get("url", ""),
            version = distribution["version"],
        )
    return name

def _make(mctx, tag, sets):
    """Makes the repositories of one lock."""
    python, interpreter, glibc, runtime, allowed = _python(mctx, tag)
    answer = read_lock(mctx, tag, python, allowed, interpreter, glibc, _choice(tag), sets)
    made = {}
    for distribution in answer["distributions"].values():
        for artifact in distribution["artifacts"].values():
            if artifact["kind"] != "none":
                artifact["repository"] = _fetch(tag.name, artifact, distribution, answer, made)
    hub_repository(
        name = tag.name,
        collisions = tag.collisions,
        graph = json.encode({key: answer[key] for key in ("distributions", "platforms", "primary")}),
        python = python,
        requirements = answer["requirements"],
        runtime = runtime,
        winners = tag.winners,
    )

def _uv_impl(mctx):
    for module in mctx.modules:
        sets = {}
        for tag in module.tags.set:
            sets.setdefault(tag.lock, {})[tag.name] = _choice(tag)
        for tag in module.tags.lock:
            _make(mctx, tag, sets.get(tag.name, {}))
    return mctx.extension_metadata(reproducible = True)

_CHOICE = {
    "default_groups": attr.bool(
        default = True,
        doc = "Take `[tool.uv] default-groups` in, but for `dev`, as `uv sync --no-dev` does.",
    ),
    "extras": attr.string_list(doc = "Extras of the project, as `uv sync --extra`."),
    "groups": attr.string_list(doc = "Dependency groups, as `uv sync --group`."),
    "package": attr.string(doc = "A workspace's member, as `uv sync --package`. Default: the project of `pyproject`."),
}

_lock = tag_class(
    doc = "One lock, as the repository `name`. What its set `runtime` holds is said by `extras`, `groups` and `package`.",
    attrs = _CHOICE | {
        "collisions": attr.string(
            default = "warn",
            doc = "What happens where two distributions have one file with different content: `warn` or `error`.",
            values = ["error", "warn"],
        ),
        "interpreters": attr.label_keyed_string_dict(
            doc = "A Python of one's own in place of the base's: the interpreter's file for uv, and the label of the " +
                  "`py_runtime` that actions run on.",
        ),
        "libraries": attr.label_list(
            default = [tool_wheel("packaging"), tool_wheel("tomli")],
            doc = "What the reader of the lock imports: the wheels of `packaging` and `tomli`.",
        ),
        "lock": attr.label(doc = "uv.lock.", mandatory = True),
        "name": attr.string(doc = "Name of the repository, such as `pypi`.", mandatory = True),
        "pyproject": attr.label(doc = "pyproject.toml of the project, or of a workspace's member.", mandatory = True),
        "python": attr.string(doc = "The image's Python, such as `3.13`. Default: the one in `.python-version`, else what requires-python allows, " +
                                    "3.13 before the others."),
        "uv": attr.label(doc = "`pin` of a `uv_binary`.", default = "@uv//:pin"),
        "winners": attr.string_list(doc = "Distributions whose files win over others', the first of these first."),
    },
)

_set = tag_class(
    doc = "A further set of a lock: another image of the same project or workspace.",
    attrs = _CHOICE | {
        "lock": attr.string(doc = "`name` of the `uv.lock` tag.", mandatory = True),
        "name": attr.string(doc = "Name of the set: `@pypi//:<name>_linux_amd64`.", mandatory = True),
    },
)

uv = module_extension(
    implementation = _uv_impl,
    doc = "Reads locks with uv: see the top of this file.",
    tag_classes = {"lock": _lock, "set": _set},
)

build_backends = module_extension(
    implementation = _uv_impl,
    doc = "The same for //uv/backends alone, so that nobody's lock is read for the other's sake.",
    tag_classes = {"lock": _lock, "set": _set},
)
