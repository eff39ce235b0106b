"""py_wheel and py_package: not offered in mirror mode."""

load("//standin:refused.bzl", "refuse")

def py_wheel(name, visibility = None, **_attrs):
    """Makes a target that fails when it is built.

    Args:
      name: name of the target.
      visibility: visibility of the target.
      **_attrs: not looked at.
    """
    refuse(name, "rules_python", "py_wheel", visibility = visibility)

def py_package(name, visibility = None, **_attrs):
    """Makes a target that fails when it is built.

    Args:
      name: name of the target.
      visibility: visibility of the target.
      **_attrs: not looked at.
    """
    refuse(name, "rules_python", "py_package", visibility = visibility)
