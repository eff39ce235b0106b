"""The rule py_binary."""

load("//python/private:rules.bzl", "call")

def py_binary(name, **attrs):
    """Bazel 7's own `py_binary` under the load path and with the attributes of the real rules_python.

    Args:
      name: name of the target.
      **attrs: attributes, as https://rules-python.readthedocs.io documents them. One that Bazel's own
        rule does not have makes a target that fails when it is built.
    """
    call("py_binary", native.py_binary, name, attrs)
