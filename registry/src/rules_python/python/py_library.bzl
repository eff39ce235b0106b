"""The rule py_library."""

load("//python/private:rules.bzl", "call")

def py_library(name, **attrs):
    """Bazel 7's own `py_library` under the load path and with the attributes of the real rules_python.

    Args:
      name: name of the target.
      **attrs: attributes, as https://rules-python.readthedocs.io documents them. One that Bazel's own
        rule does not have makes a target that fails when it is built.
    """
    call("py_library", native.py_library, name, attrs)
