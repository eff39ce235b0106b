"""Calls Bazel 7's own Python rules with the attributes that the real rules_python has."""

load("//standin:refused.bzl", "refuse")

# Attributes of the real rules that Bazel's own do not have.
_UNSUPPORTED = [
    "config_settings",
    "experimental_venvs_site_packages",
    "interpreter_args",
    "main_module",
    "precompile",
    "precompile_invalidation_mode",
    "precompile_optimize_level",
    "precompile_source_retention",
    "pyc_collection",
]

# Type stubs change nothing at run time.
_IGNORED = ["pyi_deps", "pyi_srcs"]

# The base image's interpreter is the only one.
_VERSIONS = ["PY3", "3.13"]

def call(rule_name, rule, name, attrs):
    """Calls one of Bazel's own Python rules.

    Args:
      rule_name: public name of the rule, for messages.
      rule: the rule.
      name: name of the target.
      attrs: the other attributes. One that is not supported makes a target that fails when it is built.
    """
    attrs = {key: value for key, value in attrs.items() if key not in _IGNORED and value != None}
    version = attrs.pop("python_version", "PY3") or "PY3"
    unsupported = ["{}({})".format(rule_name, key) for key in _UNSUPPORTED if key in attrs]
    if version not in _VERSIONS:
        unsupported.append("{}(python_version = \"{}\")".format(rule_name, version))
    if unsupported:
        refuse(name, "rules_python", ", ".join(unsupported), visibility = attrs.get("visibility"))
    else:
        rule(name = name, **attrs)
