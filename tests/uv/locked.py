"""A module of a test's own whose lock is written by hand, a line for each wheel."""

import re
from collections.abc import Mapping
from pathlib import Path

from tests.nested import Bazel
from tests.uv.index import sha256
from tests.uv.workspace import LOCK

BUILD = """\
load("@rules_python//python:defs.bzl", "py_library")

py_library(
    name = "all",
    deps = ["@pypi//:runtime"],
)
"""


class Locked(Bazel):
    """Wheels `<name>-1.0-py3-none-any.whl`, each with an address or ""."""

    def __init__(self, folder: Path, name: str = "ws") -> None:
        root = folder / name
        root.mkdir(parents=True)
        super().__init__(folder, root, {"HOME": str(folder), "PATH": "/usr/bin:/bin"})
        (root / "MODULE.bazel").write_text(self.module("locked") + LOCK)
        (root / "BUILD.bazel").write_text(BUILD)

    def lock(self, wheels: Mapping[Path, str], more: str = "") -> None:
        """Write pyproject.toml, with `more` at its end, and uv.lock."""
        names = [wheel.name.partition("-")[0].replace("_", "-") for wheel in wheels]
        (self.root / "pyproject.toml").write_text(
            '[project]\nname = "project"\nversion = "1"\nrequires-python = ">=3.13"\n'
            f"dependencies = {names}\n\n{more}"
        )
        packages = "".join(
            f'[[package]]\nname = "{name}"\nversion = "1.0"\nsource = {{ registry = "'
            f'{url.partition("/files/")[0] + "/simple" if url else "wheelhouse"}" }}\n'
            f'wheels = [{{ {"url" if url else "path"} = "{url or wheel.name}", '
            f'hash = "sha256:{sha256(wheel)}" }}]\n\n'
            for name, (wheel, url) in zip(names, wheels.items(), strict=True)
        )
        needed = ", ".join(f'{{ name = "{name}" }}' for name in names)
        (self.root / "uv.lock").write_text(
            f'version = 1\nrevision = 3\nrequires-python = ">=3.13"\n\n{packages}[[package]]\n'
            f'name = "project"\nversion = "1"\nsource = {{ virtual = "." }}\n'
            f"dependencies = [{needed}]\n"
        )

    def messages(self, stderr: str) -> dict[str, str]:
        """Distribution → what Bazel was told in fail()."""
        said = [
            line.partition("Error in fail: ")[2]
            for line in stderr.splitlines()
            if "Error in fail: " in line
        ]
        return {re.split(r" [\d.]+: ", line)[0]: line for line in said}

    def repository_of(self, file: str, output: str = "output") -> Path:
        """The folder of a locked file's repository."""
        return self.folder / output / "external" / f"fastapi_image~~uv~pypi__{file}"
