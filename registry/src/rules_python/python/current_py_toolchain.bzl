"""current_py_toolchain: not offered in mirror mode."""

load("//standin:refused.bzl", "refuse")

def current_py_toolchain(name, visibility = None, **_attrs):
    """Makes a target that fails when it is built.

    Args:
      name: name of the target.
      visibility: visibility of the target.
      **_attrs: not looked at.
    """
    refuse(name, "rules_python", "current_py_toolchain", visibility = visibility)
