"""The rule py_runtime_pair."""

load("@bazel_tools//tools/python:toolchain.bzl", _py_runtime_pair = "py_runtime_pair")

def py_runtime_pair(name, py3_runtime = None, **attrs):
    """A toolchain for `@rules_python//python:toolchain_type` that holds one runtime.

    Args:
      name: name of the target.
      py3_runtime: label of a `py_runtime`.
      **attrs: common attributes.
    """
    _py_runtime_pair(name = name, py3_runtime = py3_runtime, **attrs)
