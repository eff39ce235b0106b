"""The rule py_runtime."""

# What the real rule tells its own machinery about the interpreter, which is not there.
_IGNORED = ["abi_flags", "implementation_name", "interpreter_version_info", "pyc_tag"]

def py_runtime(name, **attrs):
    """Bazel 7's own `py_runtime` under the load path of the real rules_python.

    Args:
      name: name of the target.
      **attrs: `interpreter` with `files`, or `interpreter_path`; `python_version`, default "PY3";
        `stub_shebang`, `bootstrap_template`, `coverage_tool`. `abi_flags`, `implementation_name`,
        `interpreter_version_info` and `pyc_tag` are accepted and have no effect.
    """
    attrs = {key: value for key, value in attrs.items() if key not in _IGNORED}

    # buildifier: disable=native-python
    native.py_runtime(name = name, **({"python_version": "PY3"} | attrs))
