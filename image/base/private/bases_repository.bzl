"""Repository rule: the bases of the mode that this build is in, under names that are the same in both."""

load("//tools:pythons.bzl", "PYTHONS", "python_missing", "python_suffix", "supply_mode")
load(":names.bzl", "debian_base_name")

# Of each platform: what oci.pull adds to a repository's name.
_PULLED = {
    "linux_amd64": "linux_amd64",
    "linux_arm64": "linux_arm64_v8",
}

_HEAD = """\
load("{}", "missing_base")
load("{}", "fact")

package(default_visibility = ["//visibility:public"])

fact(
    name = "mode",
    value = "{}",
)

config_setting(
    name = "is_debian",
    flag_values = {{":mode": "mirror"}},
)
"""

_ALIAS = """
alias(
    name = "{}",
    actual = "{}",
)
"""

_MISSING = """
missing_base(
    name = "{}",
    sentence = {},
    tags = ["manual"],
)
"""

def _targets(mode, version):
    """Name → label of what a Python has in a mode: its interpreter, alone and as a toolchain, and its bases."""
    suffix = python_suffix(version)
    interpreter = "{}_python_{}".format("debian" if mode == "mirror" else "hub", suffix)
    targets = {
        "python_" + suffix: "@{}//:python".format(interpreter),
        "runtimes_" + suffix: "@{}//:runtimes".format(interpreter),
    }
    for platform, pulled in _PULLED.items():
        targets["python_{}_{}".format(suffix, platform)] = (
            str(Label("//image/base/debian:" + debian_base_name(version, platform))) if mode == "mirror" else "@python_{}_slim_{}".format(suffix, pulled)
        )
    return targets

def _bases_repository_impl(rctx):
    mode = supply_mode(rctx)
    content = _HEAD.format(Label("//image/base/private:missing_base.bzl"), Label("//tools:fact.bzl"), mode)
    for version in PYTHONS:
        sentence = python_missing(mode, version)
        for name, actual in _targets(mode, version).items():
            content += _MISSING.format(name, repr(sentence)) if sentence else _ALIAS.format(name, actual)
    rctx.file("BUILD.bazel", content)

bases_repository = repository_rule(
    implementation = _bases_repository_impl,
    doc = """Names for the present mode's bases.

    | target | what it is |
    |---|---|
    | `python_3_14_linux_amd64`, … | the base with this Python for a platform |
    | `python_3_14` | its interpreter for this machine's CPU, a `py_runtime` |
    | `runtimes_3_14` | the same as a toolchain |
    | `is_debian` | a `config_setting` that is true in mirror mode |

    A base that the mode has not is a target that can't be built, and says why.""",
)
