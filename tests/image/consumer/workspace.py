"""A module of somebody else's that depends on this one for image/defs.bzl, in a folder of its own.

It has an application, a lock of wheels that a loopback index serves, and a base of two files, so
that an image is made in seconds; rules and tools are this repository's, where they lie.
"""

import io
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from tests.nested import Bazel
from tests.uv.index import Index, make_wheel
from uv.private.lock import relock

LOCK = """
bazel_dep(name = "rules_oci", version = "2.3.0")
bazel_dep(name = "rules_python", version = "2.3.2")

uv = use_extension("@fastapi_image//uv:extensions.bzl", "uv")
uv.lock(
    name = "pypi",
    lock = "//:uv.lock",
    pyproject = "//:pyproject.toml",
)
use_repo(uv, "pypi")
"""

BUILD = """\
load("@fastapi_image//image:defs.bzl", "fastapi_image")
load("@rules_oci//oci:defs.bzl", "oci_image")

[
    oci_image(
        name = name,
        architecture = architecture,
        env = {"PATH": "/usr/local/bin"},
        os = "linux",
        tars = [name + ".tar.gz"],
    )
    for name, architecture in [
        ("base_amd64", "amd64"),
        ("base_arm64", "arm64"),
        ("empty_base", "amd64"),
    ]
]

BASES = {
    "linux_amd64": ":base_amd64",
    "linux_arm64": ":base_arm64",
}
"""

PYPROJECT = """\
[project]
name = "shop"
version = "1.2"
requires-python = ">=3.13"
dependencies = ["uvicorn[standard]", "windows-only; sys_platform == 'win32'"]

[dependency-groups]
dev = ["tool"]

[build-system]
requires = ["nothing-that-is-ever-looked-for"]
build-backend = "nothing"
"""

BASE = {"usr/local/bin/python3.13": b"#!/bin/false\n", "usr/local/lib/python3.13/os.py": b"x = 1\n"}


def write_tar(path: Path, files: Mapping[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.mode, member.size = 0o755, len(content)
            tar.addfile(member, io.BytesIO(content))


class Workspace(Bazel):
    """The module, and a Bazel for it."""

    def __init__(self, folder: Path, uv: Path, index: Index) -> None:
        super().__init__(folder, folder / "shop", index.environ(folder))
        self.index = index
        points = {
            "uvicorn-1.0.dist-info/entry_points.txt": "[console_scripts]\nuvicorn = uvicorn:x\n"
        }
        make_wheel(
            index.folder,
            "uvicorn",
            "1.0",
            {"uvicorn.py": "x = 1\n", **points},
            metadata="Provides-Extra: standard\n",
            requires=("loop; extra == 'standard'", "helper"),
        )
        for name in ("loop", "helper", "tool", "windows-only"):
            make_wheel(index.folder, name, "1.0")
        (self.root / "src/shop").mkdir(parents=True)
        (self.root / "src/.venv").mkdir()
        (self.root / "bin").mkdir()
        (self.root / "bin/uv").symlink_to(uv.resolve())
        for name, content in {
            "MODULE.bazel": self.module("shop") + LOCK,
            "pyproject.toml": PYPROJECT,
            "src/shop/__init__.py": "from .main import application\n",
            "src/shop/main.py": "app = object()\n",
            "src/shop/page.html": "<p>\n",
            "src/broken.py": "x = (\n",
            "patterns": "!\n",
            "src/.venv/x": "",
        }.items():
            (self.root / name).write_text(content)
        with mock.patch.dict(os.environ, self.environ):
            relock(str(uv), self.root, [], "portable")
        for name in ("base_amd64", "base_arm64"):
            write_tar(self.root / f"{name}.tar.gz", BASE)
        write_tar(self.root / "empty_base.tar.gz", {})
        self.write()

    def write(self, more: str = "", **arguments: str) -> None:
        """The BUILD file: these arguments of fastapi_image(), as Starlark, over those it needs."""
        call = {
            "srcs": 'glob(["src/shop/**"])',
            "application": '"shop.main:app"',
            "bases": "BASES",
            "strip_prefix": '"src"',
        } | arguments
        lines = "".join(f"    {name} = {value},\n" for name, value in call.items())
        text = f'{BUILD}{more}\nfastapi_image(\n    name = "image",\n{lines})\n'
        (self.root / "BUILD.bazel").write_text(text)

    def add(self, files: Mapping[str, str]) -> None:
        """Files of the workspace: path → text; "→ path" is a symbolic link."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text.startswith("→ "):
                path.symlink_to(text.removeprefix("→ "))
            else:
                path.write_text(text)

    def built(self, name: str = "image_linux_amd64") -> Path:
        """The layout that a build made."""
        return self.root / "bazel-bin" / name

    def digest(self, links: str = "bazel-bin") -> str:
        """The digest of the image index that a build made."""
        layout = self.root / links / "image_index"
        index: dict[str, Any] = json.loads((layout / "index.json").read_bytes())
        return str(index["manifests"][0]["digest"])
