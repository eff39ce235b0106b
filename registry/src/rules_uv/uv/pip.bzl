"""Requirements files compiled by uv, with the API of rules_uv 0.89.

```starlark
load("@rules_uv//uv:pip.bzl", "pip_compile")

pip_compile(
    name = "requirements",
    requirements_in = "requirements.in",
    requirements_txt = "requirements.txt",
)
```
"""

load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("//uv/private:rules.bzl", "uv_pip_compile", "uv_pip_compile_test")

_DEFAULT_ARGS = ["--generate-hashes", "--emit-index-url", "--no-strip-extras"]

def pip_compile(
        name,
        requirements_in = None,
        requirements_overrides = None,
        requirements_txt = None,
        target_compatible_with = None,
        python_platform = None,
        universal = False,
        args = None,
        extra_args = None,
        data = None,
        tags = None,
        size = None,
        env = None,
        **kwargs):
    """A target that compiles a requirements file, `<name>.update`, the same, and `<name>_test`.

    Args:
      name: name of the target; `bazel run` of it writes `requirements_txt`.
      requirements_in: requirements.in or pyproject.toml, or a list of its lines. Default:
        `//:requirements.in`.
      requirements_overrides: file for `uv pip compile --overrides`.
      requirements_txt: the compiled file, which has to be there. Default: `//:requirements.txt`.
      target_compatible_with: platforms it is for.
      python_platform: value of `--python-platform`.
      universal: compile for all platforms.
      args: arguments instead of `--generate-hashes --emit-index-url --no-strip-extras`.
      extra_args: more arguments.
      data: more files to have at hand.
      tags: tags of the test, which has `requires-network` besides.
      size: size of the test. Default: small.
      env: environment variables.
      **kwargs: common attributes.
    """
    if type(requirements_in) == "list":
        write_file(
            name = "_{}.write".format(name),
            out = "_{}.in".format(name),
            content = requirements_in,
        )
        requirements_in = "_{}.write".format(name)
    attrs = {
        "data": data,
        "env": env,
        "python_platform": python_platform or "",
        "requirements_in": requirements_in or "//:requirements.in",
        "requirements_overrides": requirements_overrides,
        "requirements_txt": requirements_txt or "//:requirements.txt",
        "target_compatible_with": target_compatible_with,
        "universal": universal,
        "uv_args": (_DEFAULT_ARGS if args == None else args) + (extra_args or []),
    } | kwargs
    uv_pip_compile(name = name, **attrs)
    native.alias(name = name + ".update", actual = name)
    uv_pip_compile_test(
        name = name + "_test",
        size = size or "small",
        compiler = name,
        tags = ["requires-network"] + (tags or []),
        **attrs
    )
