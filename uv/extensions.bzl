"""Locked Python distributions as Bazel repositories: `uv.lock` → `@pypi`.

```starlark
uv = use_extension("//uv:extensions.bzl", "uv")
uv.lock(
    name = "pypi",
    lock = "//:uv.lock",
    pyproject = "//:pyproject.toml",
)
use_repo(uv, "pypi")
```

uv reads the lock, with its own resolver, markers and wheel tags; each distribution becomes one repository, fetched
when a build needs it and again only when its own lines in the lock change. Then there are

| target | what it is |
|---|---|
| `@pypi//<name>` | a `py_library`, with the distributions that it requires |
| `@pypi//<name>:linux_amd64`, `@pypi//<name>:linux_arm64` | `DistributionInfo` of `//uv:providers.bzl` |
| `@pypi//:runtime`, `@pypi//:dev`, … | a `py_library` of the project's dependencies, and of each dependency group |
| `@pypi//:runtime_linux_amd64`, `@pypi//:dev_linux_arm64`, … | `DistributionSetInfo`; its default output is a JSON listing |
| `@pypi//:requirements.txt` | every pin with its hashes, for `create_venv` of rules_uv |

The lock may be as plain `uv lock` writes it or in the portable form of `bazel run //:lock`; where wheels come from
is what the machine's uv (or UV_DEFAULT_INDEX) is configured for, never what the lock says.
"""

load("//uv/private:binary.bzl", _uv_binary = "uv_binary")
load("//uv/private:distribution_repository.bzl", "distribution_repository")
load("//uv/private:hub_repository.bzl", "hub_repository")
load("//uv/private:lock.bzl", "read_lock")

uv_binary = _uv_binary

def _interpreter(mctx, tag):
    """The interpreter to run uv with: the one of the base that this build stands on."""
    mode = mctx.getenv("FASTAPI_IMAGE_MODE") or "hub"
    for label, name in tag.interpreters.items():
        if name == mode:
            return label
    fail("uv.lock(name = \"{}\") has no interpreter for FASTAPI_IMAGE_MODE={}.".format(tag.name, mode))

def _uv_impl(mctx):
    for module in mctx.modules:
        for tag in module.tags.lock:
            interpreter = _interpreter(mctx, tag)
            lock = read_lock(mctx, tag, interpreter)
            for distribution in lock.distributions:
                distribution_repository(
                    name = "{}__{}".format(tag.name, distribution.repository),
                    distribution = distribution.name,
                    platform = distribution.platform,
                    python = interpreter,
                    uv = tag.uv,
                    version = distribution.version,
                    wheels = distribution.wheels,
                )
            hub_repository(
                name = tag.name,
                graph = json.encode(lock.graph),
                prefix = tag.name,
                requirements = lock.requirements,
            )
    return mctx.extension_metadata(reproducible = True)

_lock = tag_class(
    doc = "One lock, as the repository `name`.",
    attrs = {
        "interpreters": attr.label_keyed_string_dict(
            doc = "A Python of the image's version for uv to run with, and the mode (`hub` or `mirror`) it is for.",
            mandatory = True,
        ),
        "lock": attr.label(doc = "uv.lock.", mandatory = True),
        "name": attr.string(doc = "Name of the repository, such as `pypi`.", mandatory = True),
        "pyproject": attr.label(doc = "The pyproject.toml that the lock is for.", mandatory = True),
        "uv": attr.label(doc = "`pin` of a `uv_binary`.", default = "@uv//:pin"),
    },
)

uv = module_extension(
    implementation = _uv_impl,
    doc = "Reads locks with uv: see the top of this file.",
    tag_classes = {"lock": _lock},
)
