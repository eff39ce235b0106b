"""Tests that pytest runs, on the base image's own interpreter.

```starlark
load("//tests:pytest.bzl", "pytest_test")

pytest_test(
    name = "layers_test",
    srcs = ["test_layers.py"],
    data = ["//image"],
    deps = ["@pypi//httpx2"],
)
```
"""

load("@rules_python//python:defs.bzl", "py_test")

_RUNNER = Label("//tests:run_pytest.py")
_MEASURE = Label("//tests:measure.py")

def pytest_test(name, srcs, deps = [], data = [], args = [], **kwargs):
    """A test target that runs pytest on the given files.

    pytest's settings are those of `pyproject.toml`; its temporary folders lie in the test's own. A test file imports
    its helpers by their path from the workspace's root (`from tests.uv.index import serve`). No collected test, and
    anything that pytest calls an error, fails the target. `--test_filter` is pytest's `-k`.
    `bazel coverage` tells which lines it ran in its own process.

    Args:
        name: name of the target.
        srcs: test files (`test_*.py`) and the helper modules beside them.
        deps: libraries; pytest and pytest-asyncio are there already.
        data: files that the tests read; the working folder is the workspace's root in the runfiles.
        args: further arguments for pytest.
        **kwargs: everything else that `py_test` takes.
    """
    py_test(
        name = name,
        srcs = srcs + [_RUNNER, _MEASURE],
        args = ["$(rootpath {})".format(src) for src in srcs if src.split("/")[-1].split(":")[-1].startswith("test_")] + args,
        data = data + [Label("//:pyproject.toml")],
        main = _RUNNER,
        deps = deps + [
            Label("@pypi//pytest"),
            Label("@pypi//pytest-asyncio"),
        ] + select({
            Label("//tests:coverage"): [Label("@pypi//coverage")],
            "//conditions:default": [],
        }),
        **kwargs
    )
