"""The Pythons that an image can have. Here their versions are written, and nowhere else is one chosen.

Below both uv/ and image/: the one needs to know for which interpreter wheels are, the other which base has it.
Where their digests and packages are pinned: MODULE.bazel (hub mode), //image/base:packages.toml (mirror mode).
"""

# In the order in which one is taken where a project allows several: the default, then the newest.
PYTHONS = [
    "3.13",
    "3.14",
    "3.12",
    "3.11",
]

# The minor version of glibc 2 in each mode's base: no wheel for a newer one runs there. All of python:3.X-slim is
# Debian trixie; of Debian, each release has one Python, and none has 3.12.
_GLIBC = {
    "hub": {
        "3.11": 41,
        "3.12": 41,
        "3.13": 41,
        "3.14": 41,
    },
    "mirror": {
        "3.11": 36,
        "3.13": 41,
        "3.14": 43,
    },
}

# What the modes' repositories begin with (//image/base:extensions.bzl).
_REPOSITORIES = {
    "hub": "hub",
    "mirror": "debian",
}

def python_suffix(version):
    """A version as it is in names: "3_14" for "3.14"."""
    return version.replace(".", "_")

def supply_mode(context):
    """The mode that this build is in: a module extension and a repository rule see no build flag.

    Args:
        context: a module_ctx or repository_ctx.

    Returns:
        "hub" or "mirror". Fails with one line for anything else.
    """
    mode = context.getenv("FASTAPI_IMAGE_MODE") or "hub"
    if mode not in _GLIBC:
        fail("FASTAPI_IMAGE_MODE={}: the modes are {}; tools/bazel sets it".format(mode, " and ".join(_GLIBC)))
    return mode

def python_missing(mode, version):
    """Says why a mode has no base with a Python, and what to do.

    Args:
        mode: "hub" or "mirror".
        version: such as "3.14".

    Returns:
        None if it has one, else a sentence.
    """
    if version in _GLIBC[mode]:
        return None
    there = [other for other in PYTHONS if other in _GLIBC[mode]]
    if version not in PYTHONS:
        return "there is no base with Python {}, only with {}: choose one of these by python in fastapi_image() and requires-python in pyproject.toml, or give fastapi_image() bases and an interpreter of your own".format(
            version,
            ", ".join(there),
        )
    return "{mode} mode has no base with Python {version}, as no Debian release has it: let requires-python in pyproject.toml allow {there} and lock anew, build in hub mode (tools/bazel --mode=hub), or give fastapi_image() bases and an interpreter of your own".format(
        mode = mode,
        there = " or ".join(there),
        version = version,
    )

def python_interpreter(mode, version):
    """The interpreter of a base, for this machine's CPU, as a file that repository rules and extensions can run.

    Args:
        mode: "hub" or "mirror".
        version: such as "3.14".

    Returns:
        The Label, or None if the mode has no such base: `python_missing` says why.
    """
    if python_missing(mode, version):
        return None
    return Label("@{}_python_{}//:bin/python{}".format(_REPOSITORIES[mode], python_suffix(version), version))

def python_runtime(version):
    """A base's interpreter as a `py_runtime`, for actions.

    Args:
        version: such as "3.14".

    Returns:
        The Label. In a mode without such a base it is a target that fails and says why.
    """
    return Label("@bases//:python_" + python_suffix(version))

def glibc_minor(mode, version):
    """The newest glibc that a wheel may need.

    Args:
        mode: "hub" or "mirror".
        version: such as "3.14".

    Returns:
        int, such as 41 for glibc 2.41: wheels tagged `manylinux_2_41` and lower run. None if there is no such base.
    """
    return _GLIBC[mode].get(version)
