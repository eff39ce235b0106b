"""The project that test workspaces hold, and the packages on its index."""

from pathlib import Path

from tests.uv.index import make_wheel

PYPROJECT = """\
[project]
name = "project"
version = "1"
requires-python = "==3.13.*"
dependencies = ["top[more]", "native", "ring-a", "odd", "windows-only; sys_platform == 'win32'"]

[dependency-groups]
dev = ["tool", "leaf[loud]"]
"""

IMPORTS = """\
import importlib.metadata, importlib.resources
import leaf, more, native, odd, ring_a, ring_b, top
print(native.arch, (importlib.resources.files(odd) / "BUILD").read_text())
print(*sorted(d.name for d in importlib.metadata.distributions() if d.version == "1.0"))
"""


def make_wheels(folder: Path) -> None:
    """The packages of PYPROJECT: an extra, a cycle, platform wheels, a file that is no label."""
    make_wheel(
        folder,
        "top",
        "1.0",
        metadata="License-Expression: MIT\nProvides-Extra: more\n",
        requires=("leaf", "more; extra == 'more'"),
    )
    make_wheel(
        folder,
        "leaf",
        "1.0",
        metadata="Provides-Extra: loud\n",
        requires=("tool; extra == 'loud'",),
    )
    make_wheel(folder, "more", "1.0")
    make_wheel(folder, "tool", "1.0")
    make_wheel(folder, "windows-only", "1.0")
    make_wheel(folder, "ring-a", "1.0", requires=("ring-b",))
    make_wheel(folder, "ring-b", "1.0", requires=("ring-a", "leaf"))
    make_wheel(
        folder, "odd", "1.0", {"odd/__init__.py": "", "odd/BUILD": "built", "odd/a b.txt": ""}
    )
    for arch in ("x86_64", "aarch64"):
        files = {"native.py": f"arch = {arch!r}\n"}
        make_wheel(folder, "native", "1.0", files, tag=f"cp313-cp313-manylinux_2_17_{arch}")
