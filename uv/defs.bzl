"""Commands on a lock, for the package that holds it, and programs that its wheels carry.

```starlark
load("//uv:defs.bzl", "uv_lock", "uv_lock_test", "uv_wheelhouse")

# bazel run //:lock
uv_lock(name = "lock")

# bazel test //:lock_test
uv_lock_test(name = "lock_test")

# bazel run //:wheelhouse
uv_wheelhouse(
    name = "wheelhouse",
    sets = ["@pypi//:dev", "@pypi//:runtime"],
)
```
"""

load("@rules_python//python:defs.bzl", "py_binary", "py_test")
load("//uv/private:platforms.bzl", "PLATFORMS")
load("//uv/private:wheel_member.bzl", _distribution_files = "distribution_files", _distribution_program = "distribution_program")
load("//uv/private:wheelhouse.bzl", "locked_wheels")

distribution_files = _distribution_files
distribution_program = _distribution_program

# Where the machine's index is, and how it is reached.
_INDEX_VARIABLES = [
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "UV_CACHE_DIR",
    "UV_CONFIG_FILE",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_INDEX",
    "UV_INDEX_URL",
    "XDG_CONFIG_HOME",
]

def uv_lock(name, lock = "uv.lock", pyproject = "pyproject.toml", portable = None, uv = Label("@uv//:uv"), **kwargs):
    """`bazel run` of this target locks `pyproject` with the pinned uv, in the workspace itself: what `uv lock` does.

    Arguments after `--`: `--upgrade`, `--upgrade-package NAME`. The lock is replaced in one step, or not at all.

    A plain lock is what `uv lock` writes. A portable one names versions, file names and SHA-256, and no address: where
    wheels come from is what each machine's uv is configured for.

    Args:
        name: name of the target.
        lock: `uv.lock` in the folder of `pyproject`. It need not exist.
        pyproject: path of pyproject.toml in this package: a project's, or that of a uv workspace's root.
        portable: True: write the portable form. False: the plain one. None: the one that the lock has, and a plain one
            where there is none yet.
        uv: the uv binary.
        **kwargs: everything else that `py_binary` takes.
    """
    folder, _, file = pyproject.rpartition("/")
    if file != "pyproject.toml" or lock != (folder + "/" if folder else "") + "uv.lock":
        fail("uv keeps the lock of a pyproject.toml beside it, as uv.lock: {} and {} are no such pair.".format(pyproject, lock))
    py_binary(
        name = name,
        srcs = [Label("//uv/private:lock.py")],
        args = [
            # From the workspace's folder in the runfiles, which is where `bazel run` starts a binary.
            "--uv=../$(rlocationpath {})".format(uv),
            "--folder=" + "/".join([part for part in [native.package_name(), folder] if part]),
            "--form=" + {None: "keep", False: "plain", True: "portable"}[portable],
        ],
        data = [uv],
        main = Label("//uv/private:lock.py"),
        deps = [Label("//uv/private:commands")],
        **kwargs
    )

def uv_lock_test(
        name,
        lock = "uv.lock",
        pyproject = "pyproject.toml",
        srcs = [],
        network = False,
        remedy = None,
        uv = Label("@uv//:uv"),
        **kwargs):
    """A test that `lock` fits `pyproject`, as `uv lock --check` judges it; its one line says why not, and what to run.

    A build takes the lock as it is, so this is what notices a pyproject.toml that was changed without it. uv sees
    copies of the files that are named here, no configuration of the machine, and no network. `required-version` is
    left aside: it says who may write the lock.

    Args:
        name: name of the target.
        lock: uv.lock, plain or portable.
        pyproject: the pyproject.toml beside it.
        srcs: what else the lock depends on: pyproject.toml of each member of a uv workspace and of each path source,
            files that such a source is, uv.toml. A package of its own has to export its file.
        network: whether uv may build, from the machine's index, what says its dependencies by a build backend alone
            (`dynamic = ["dependencies"]`).
        remedy: the command that writes the lock. Default: `bazel run` of the target `lock` in this package.
        uv: the uv binary.
        **kwargs: everything else that `py_test` takes.
    """
    if network:
        kwargs["env_inherit"] = kwargs.get("env_inherit", []) + _INDEX_VARIABLES
        kwargs["tags"] = kwargs.get("tags", []) + ["requires-network"]
    py_test(
        name = name,
        size = kwargs.pop("size", "small"),
        srcs = [Label("//uv/private:lock_test.py")],
        args = [
            "--uv=../$(rlocationpath {})".format(uv),
            "--remedy='{}'".format(remedy or "bazel run //{}:lock".format(native.package_name())),
        ] + (["--network"] if network else []) + ["$(rootpaths {})".format(file) for file in [lock, pyproject] + srcs],
        data = [lock, pyproject, uv] + srcs,
        main = Label("//uv/private:lock_test.py"),
        deps = [Label("//uv/private:commands")],
        **kwargs
    )

def uv_wheelhouse(name, sets, platforms = None, **kwargs):
    """`bazel run` of this target fills `wheelhouse/` in this package's folder with locked wheels.

    It is the folder that a portable lock (`uv_lock(portable = True)`) beside it names, so that plain
    `uv sync --frozen --offline` works there: here, and on an air-gapped machine to which pyproject.toml, uv.lock and the
    folder are copied. Bazel downloads the wheels, from where a build takes them, and checks their SHA-256. What
    is in the folder already stays. Keep it out of version control and of Bazel: `/wheelhouse/` in `.gitignore`,
    `wheelhouse` in `.bazelignore`.

    Args:
        name: name of the target.
        sets: sets of the lock: `@pypi//:runtime`, and each dependency group that `uv sync` is to install, such as
            `@pypi//:dev`, which it does by itself.
        platforms: list of `linux_amd64`, `linux_arm64`: whose wheels. Default: this machine's.
        **kwargs: everything else that `py_binary` takes.
    """
    by_platform = {platform: ["{}_{}".format(each, platform) for each in sets] for platform in PLATFORMS}
    locked_wheels(
        name = name + ".locked",
        sets = [label for platform in platforms for label in by_platform[platform]] if platforms else select({
            Label(PLATFORMS[platform].cpu): labels
            for platform, labels in by_platform.items()
        }),
        tags = ["manual"],
        visibility = ["//visibility:private"],
    )
    py_binary(
        name = name,
        srcs = [Label("//uv/private:wheelhouse.py")],
        args = [
            "--list=$(rootpath :{}.locked)".format(name),
            "--folder=" + native.package_name(),
        ],
        data = [name + ".locked"],
        main = Label("//uv/private:wheelhouse.py"),
        tags = kwargs.pop("tags", []) + ["manual"],
        deps = [Label("//uv/private:commands")],
        **kwargs
    )
