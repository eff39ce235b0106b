"""project.py: what an editable install of a project would write, read by Python's own importlib."""

import base64
import hashlib
import importlib.metadata
import json
import subprocess
import sys
import tomllib
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
from layer.errors import LayerError
from layer.options import Options
from layer.project import metadata, roots, run

SITE = "lib/python3.13/site-packages"
PYPROJECT = """
[project]
name = "My.Shop"
version = "1.2.0-beta1"
description = "Sells\\nthings"
license = "Apache-2.0"
requires-python = ">=3.13"
keywords = ["a", "b"]
classifiers = ["Topic :: Office/Business"]
authors = [
    { name = "Ada", email = "ada@example.org" },
    { email = "ops@example.org" },
    { name = "Bo" },
]
maintainers = [{ name = "Größe" }]
dependencies = ["fastapi>=0.1", "tool; sys_platform == 'linux'"]

[project.optional-dependencies]
"Fast_Loop" = ["uvloop; os_name == 'posix'", "x @ https://example.org/x.whl ; os_name == 'nt'", "y"]

[project.urls]
Source = "https://git.example/shop"

[project.scripts]
shop = "shop.cli:main"

[project.gui-scripts]
shop-window = "shop.window:Window.open"

[project.entry-points."shop.plugins"]
sales = "shop.sales"

[build-system]
requires = ["nothing"]
build-backend = "nothing"
"""


def made(tmp_path: Path, text: str = PYPROJECT, *more: str) -> dict[str, Any]:
    (tmp_path / "pyproject.toml").write_text(text)
    run(
        Options(
            [
                f"--pyproject={tmp_path}/pyproject.toml",
                "--workdir=app",
                "--environment=app/.venv",
                *more,
                f"--output={tmp_path}/project.json",
            ]
        )
    )
    content: dict[str, Any] = json.loads((tmp_path / "project.json").read_text())
    return content


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The project's site-packages, written out."""
    for name, text in made(tmp_path)["files"].items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path / SITE


def test_version_and_entry_points(site: Path) -> None:
    (distribution,) = importlib.metadata.distributions(path=[str(site)])
    assert distribution.name == "My.Shop"
    assert distribution.version == "1.2.0b1"
    assert {(each.group, each.name, each.value) for each in distribution.entry_points} == {
        ("console_scripts", "shop", "shop.cli:main"),
        ("gui_scripts", "shop-window", "shop.window:Window.open"),
        ("shop.plugins", "sales", "shop.sales"),
    }
    assert distribution.requires == [
        "fastapi>=0.1",
        "tool; sys_platform == 'linux'",
        "uvloop; (os_name == 'posix') and extra == 'fast-loop'",
        "x @ https://example.org/x.whl ; (os_name == 'nt') and extra == 'fast-loop'",
        "y; extra == 'fast-loop'",
    ]
    # In every spelling of the name.
    names = importlib.metadata.Distribution.discover(name="my_shop", path=[str(site)])
    assert [each.version for each in names] == ["1.2.0b1"]


def test_metadata_field_by_field() -> None:
    text = metadata(tomllib.loads(PYPROJECT)["project"], "1.2")
    fields = Parser().parsestr(text)
    assert fields.get_payload() == ""
    assert [pair for pair in fields.items() if pair[0] not in ("Requires-Dist",)] == [
        ("Metadata-Version", "2.4"),
        ("Name", "My.Shop"),
        ("Version", "1.2"),
        ("Summary", "Sells things"),
        ("Keywords", "a,b"),
        ("Author", "Bo"),
        ("Author-Email", "Ada <ada@example.org>, ops@example.org"),
        ("Maintainer", "Größe"),
        ("License-Expression", "Apache-2.0"),
        ("Classifier", "Topic :: Office/Business"),
        ("Project-URL", "Source, https://git.example/shop"),
        ("Requires-Python", ">=3.13"),
        ("Provides-Extra", "fast-loop"),
    ]


def test_the_record_is_true_and_complete(site: Path) -> None:
    (distribution,) = importlib.metadata.distributions(path=[str(site)])
    rows = {}
    for each in distribution.files or []:
        content = (site / each).read_bytes()
        rows[str(each)] = True
        if each.hash:
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            assert (each.hash.value, each.size) == (digest.decode(), len(content))
    files = [path for path in site.parent.parent.parent.rglob("*") if path.is_file()]
    inside = [path for path in files if {"lib", "bin"} & set(path.parts)]
    assert len(rows) == len(inside)
    assert "../../../bin/shop" in rows


def test_the_sources_can_be_imported_and_scripts_start(tmp_path: Path) -> None:
    """From any folder, by the interpreter of an environment, as after `uv sync`."""
    project = tmp_path / "project"
    (project / "src/shop").mkdir(parents=True)
    (project / "src/shop/cli.py").write_text(
        "from importlib.metadata import version\ndef main(): print(version('my-shop'))\n"
    )
    environment = project / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    content = made(
        tmp_path,
        PYPROJECT,
        f"--workdir={str(project).strip('/')}",
        f"--environment={str(environment).strip('/')}",
    )
    for name, text in content["files"].items():
        (environment / name).parent.mkdir(parents=True, exist_ok=True)
        (environment / name).write_text(text)
    done = subprocess.run(
        [environment / "bin/python", "-I", environment / "bin/shop"],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("1.2.0b1\n", "")


def test_a_project_without_a_build_system_is_not_installed(tmp_path: Path) -> None:
    """As uv has it."""
    text = PYPROJECT.partition("[build-system]")[0]
    nothing = {"files": {}, "roots": [""], "written": {}}
    assert made(tmp_path, text) == nothing | {"version": "1.2.0-beta1"}
    assert made(tmp_path, PYPROJECT + "[tool.uv]\npackage = false\n")["files"] == {}
    assert made(tmp_path, text + "[tool.uv]\npackage = true\n")["files"]
    assert made(tmp_path, "[tool.uv.workspace]\n") == nothing | {"version": ""}


def test_a_dynamic_version_is_read_from_its_file(tmp_path: Path) -> None:
    source = tmp_path / "about"
    source.write_text('__version__ = "3.4"\n')
    text = PYPROJECT.replace('version = "1.2.0-beta1"', 'dynamic = ["version"]').replace(
        'build-backend = "nothing"',
        'build-backend = "hatchling.build"\n[tool.hatch.version]\npath = "./shop/__about__.py"',
    )
    content = made(tmp_path, text, "--name=shop/__about__.py", f"--file={source}")
    assert content["version"] == "3.4"
    assert f"{SITE}/my_shop-3.4.dist-info/METADATA" in content["files"]


DYNAMIC = PYPROJECT.replace('version = "1.2.0-beta1"', 'dynamic = ["version"]')


def test_a_version_that_only_a_program_can_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = made(tmp_path, DYNAMIC)
    assert content["version"] == ""
    assert f"{SITE}/my_shop-0.0.0.dist-info/METADATA" in content["files"]
    assert capsys.readouterr().err == (
        f"{tmp_path}/pyproject.toml: nothing makes the version, so the image says 0.0.0: give "
        'fastapi_image() version = "1.2.3"\n'
    )
    content = made(tmp_path, DYNAMIC, "--version=v5.6")
    assert content["version"] == "v5.6"
    assert f"{SITE}/my_shop-5.6.dist-info/METADATA" in content["files"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("tool", "files"),
    [
        ('[tool.setuptools_scm]\nversion_file = "src/my/_version.py"', {"src/my/_version.py"}),
        (
            '[tool.setuptools_scm]\nwrite_to = "my/v.py"\nwrite_to_template = "v = {version!r}"',
            {"my/v.py"},
        ),
        ('[tool.hatch.build.hooks.vcs]\nversion-file = "./my/_version.py"', {"my/_version.py"}),
        ('[tool.versioningit.write]\nfile = "my/_version.py"', {"my/_version.py"}),
        ('[tool.versioningit.write]\nfile = "my/_version.py"\nmethod = "own"', set()),
        (
            '[tool.setuptools_scm]\nversion_file = "my/v.py"\nversion_file_template = "{node}"',
            set(),
        ),
        ('[tool.setuptools_scm]\nversion_file = "VERSION"', set()),
    ],
)
def test_a_module_with_the_version_that_the_backend_writes(
    tmp_path: Path, tool: str, files: set[str]
) -> None:
    content = made(tmp_path, f"{DYNAMIC}\n{tool}\n", "--version=1.2.3")
    written = {
        str(Path(path).relative_to(tmp_path)): text for path, text in content["written"].items()
    }
    assert set(written) == files
    for text in written.values():
        module: dict[str, object] = {}
        exec(text, module)  # noqa: S102 - what the image would import
        assert "1.2.3" in module.values()


def test_where_the_modules_are() -> None:
    assert roots({}, "") == ["", "src"]
    assert roots({}, "services/api") == ["", "services/api", "services/api/src"]
    tool = tomllib.loads(
        """
        setuptools.packages.find.where = ["./a"]
        setuptools.package-dir = { "" = "b", "x" = "not" }
        hatch.build.targets.wheel.packages = ["c/shop", "shop"]
        hatch.build.targets.wheel.sources = ["d"]
        poetry.packages = [{ include = "shop", from = "e" }, { include = "x" }]
        pdm.build.package-dir = "f"
        uv.build-backend.module-root = "g"
        """
    )
    assert roots({"tool": tool}, "") == ["", "src", "a", "b", "c", "d", "e", "f", "g"]
    assert roots({"tool": {"pdm": {"build": {"package-dir": "../out"}}}}, "") == ["", "src"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[project", r"pyproject\.toml: "),
        ("project = 1", r"\[project\] is not as PEP 621 has it$"),
        (PYPROJECT.replace('keywords = ["a", "b"]', "keywords = 1"), "is not as PEP 621 has it$"),
        (
            PYPROJECT.replace("shop.cli:main", "shop.cli"),
            "My.Shop 1.2.0b1: the console script shop = shop.cli isn't of the form",
        ),
    ],
)
def test_a_project_that_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        made(tmp_path, text)
