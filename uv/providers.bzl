"""What a locked distribution is, for the rules that put it into a layer, an SBOM or a test.

A rule gets one of these from `@pypi//<name>:linux_amd64` (one distribution) or from
`@pypi//:runtime_linux_amd64` (everything that a set of the lock holds):

```starlark
load("//uv:providers.bzl", "DistributionSetInfo")

def _impl(ctx):
    for distribution in ctx.attr.distributions[DistributionSetInfo].distributions:
        print(distribution.name, distribution.version, distribution.wheel.path)
```
"""

DistributionInfo = provider(
    doc = "One distribution of the lock on one platform: a wheel that nobody has unpacked.",
    fields = {
        "filename": "str: name of the file that the lock pins: the wheel, or the source that the wheel was built from; " +
                    "`\"\"` for a folder of the project.",
        "name": "str: normalised name (PEP 503), such as `pydantic-core`.",
        "platform": "str: `linux/amd64` or `linux/arm64`. A pure wheel is the same File on both.",
        "requires": "list[str]: normalised names of the direct dependencies on this platform, extras included, sorted.",
        "sha256": "str: SHA-256 of the pinned file, 64 hexadecimal digits; `\"\"` for a folder or a commit.",
        "size": "int: bytes of the pinned file, known at load time; 0 for a folder or a commit.",
        "version": "str: version as the lock has it (PEP 440); `\"\"` when only its build backend knows it.",
        "wheel": "File: the wheel (PEP 427).",
    },
)

DistributionSetInfo = provider(
    doc = "All distributions that share an environment on one platform.",
    fields = {
        "distributions": "list[DistributionInfo]: sorted by name.",
        "facts": "File: JSON, `{\"distributions\": [{licence, name, requires, sha256, version, wheel}, …], \"platform\"}`.",
        "lost": "File: JSON, name → paths in the environment at which another distribution's file wins.",
        "platform": "str: `linux/amd64` or `linux/arm64`.",
        "python": "str: the Python that they were locked and chosen for, such as `3.13`.",
    },
)
