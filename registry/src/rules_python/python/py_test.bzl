"""The rule py_test."""

load("//python/private:rules.bzl", "call")

def py_test(name, **attrs):
    """Bazel 7's own `py_test` under the load path and with the attributes of the real rules_python.

    Args:
      name: name of the target.
      **attrs: attributes, as https://rules-python.readthedocs.io documents them. One that Bazel's own
        rule does not have makes a target that fails when it is built.
    """
    call("py_test", native.py_test, name, attrs)
