"""Commands on a lock, for the package that holds it, and programs that its wheels carry.

```starlark
load("//uv:defs.bzl", "uv_lock")

uv_lock(
    name = "lock",
    lock = "uv.lock",
    pyproject = "pyproject.toml",
)
```
"""

load("@rules_python//python:defs.bzl", "py_binary")
load("//uv/private:wheel_member.bzl", _distribution_files = "distribution_files", _distribution_program = "distribution_program")

distribution_files = _distribution_files
distribution_program = _distribution_program

def uv_lock(name, lock = "uv.lock", pyproject = "pyproject.toml", uv = Label("@uv//:uv"), **kwargs):
    """`bazel run` of this target resolves `pyproject` with uv and writes `lock` in the portable form.

    Arguments after `--`: `--upgrade`, `--upgrade-package NAME`. The lock is replaced in one step, or not at all.

    Args:
        name: name of the target.
        lock: the lock's path in this package. It need not exist.
        pyproject: path of pyproject.toml in this package.
        uv: the uv binary.
        **kwargs: everything else that `py_binary` takes.
    """
    folder = native.package_name() + "/" if native.package_name() else ""
    py_binary(
        name = name,
        srcs = [Label("//uv/private:lock.py")],
        args = [
            # From the workspace's folder in the runfiles, which is where `bazel run` starts a binary.
            "--uv=../$(rlocationpath {})".format(uv),
            "--lock={}{}".format(folder, lock),
            "--pyproject={}{}".format(folder, pyproject),
        ],
        data = [uv],
        main = Label("//uv/private:lock.py"),
        **kwargs
    )
