"""Commands on a lock, for the package that holds it, and programs that its wheels carry.

```starlark
load("//uv:defs.bzl", "uv_lock")

uv_lock(name = "lock")
```
"""

load("@rules_python//python:defs.bzl", "py_binary")
load("//uv/private:wheel_member.bzl", _distribution_files = "distribution_files", _distribution_program = "distribution_program")

distribution_files = _distribution_files
distribution_program = _distribution_program

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
