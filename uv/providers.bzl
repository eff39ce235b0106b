"""What a locked distribution is, for the rules that put it into a layer, an SBOM or a test.

A rule gets one of these from `@pypi//<name>:linux_amd64` (one distribution) or from
`@pypi//:runtime_linux_amd64` (everything that a group of `pyproject.toml` needs):

```starlark
load("//uv:providers.bzl", "DistributionSetInfo")

def _impl(ctx):
    for distribution in ctx.attr.distributions[DistributionSetInfo].distributions:
        print(distribution.name, distribution.version, distribution.size)
```
"""

DistributionInfo = provider(
    doc = "One distribution of the lock, installed from its wheel for one platform.",
    fields = {
        "name": "str: normalised name (PEP 503), such as `pydantic-core`.",
        "version": "str: version as the lock has it (PEP 440).",
        "platform": "str: `linux/amd64` or `linux/arm64`. A pure wheel has the same files on both.",
        "files": "depset[File]: every installed file of the `site-packages` tree, `*.dist-info` included. No console " +
                 "scripts (they are made from `entry_points.txt`), no `__pycache__`. One directory artifact instead, " +
                 "when a name in the tree can't be a Bazel label.",
        "root": "str: exec path of the `site-packages` directory under which `files` lie; the prefix to strip.",
        "scripts": "depset[File]: files of the wheel's `.data/scripts`, in `bin` beside `root`. A Python script " +
                   "starts with `#!python`, as the binary distribution format has it.",
        "data": "depset[File]: files of the wheel's `.data/data` and `.data/headers`, in `data` beside `root`, " +
                "laid out as in a virtual environment (`data/share/…`, `data/include/…`).",
        "listing": "File: one line per file of all of these: SHA-256, size in bytes, path in the virtual environment.",
        "size": "int: unpacked bytes of the distribution's files, known at load time.",
        "requires": "list[str]: normalised names of the direct dependencies on this platform, extras included, sorted.",
        "wheel": "str: file name of the wheel.",
        "sha256": "str: SHA-256 of the wheel, 64 hexadecimal digits.",
        "licence": "str: SPDX expression or licence name from the METADATA file, `\"\"` when it has none.",
    },
)

DistributionSetInfo = provider(
    doc = "All distributions that a dependency group needs on one platform.",
    fields = {
        "distributions": "list[DistributionInfo]: sorted by name.",
        "platform": "str: `linux/amd64` or `linux/arm64`.",
    },
)

def distribution_fact(distribution):
    """What a listing says of one distribution: the facts of the lock and of the wheel, and no file.

    Args:
        distribution: a DistributionInfo.

    Returns:
        A dict of strings (`licence`, `name`, `sha256`, `version`, `wheel`) and a list of strings (`requires`), for `json.encode`.
    """
    return {
        "licence": distribution.licence,
        "name": distribution.name,
        "requires": distribution.requires,
        "sha256": distribution.sha256,
        "version": distribution.version,
        "wheel": distribution.wheel,
    }
