"""labels.py: pyproject.toml → the labels that the OCI image specification predefines."""

from pathlib import Path

import pytest
from layer.errors import LayerError
from layer.labels import project_labels, run
from layer.options import Options

PROJECT = """
[project]
name = "shop"
version = "1.2.3"
description = "Sells\\nthings"
license = "Apache-2.0"
maintainers = [{ name = "Shop Team", email = "shop@example.org" }, { email = "ops@example.org" }]
[project.urls]
Source = "https://git.example/shop"
Changelog = "https://git.example/shop/changes"
"""


def test_labels_of_a_project() -> None:
    assert project_labels(PROJECT.encode(), "pyproject.toml") == {
        "maintainer": "Shop Team, ops@example.org",
        "version": "1.2.3",
        "org.opencontainers.image.authors": "Shop Team, ops@example.org",
        "org.opencontainers.image.description": "Sells things",
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.source": "https://git.example/shop",
        "org.opencontainers.image.title": "shop",
        "org.opencontainers.image.version": "1.2.3",
    }


def test_given_labels_win_and_empty_ones_are_left_out(tmp_path: Path) -> None:
    pyproject, output = tmp_path / "pyproject.toml", tmp_path / "labels"
    pyproject.write_text('[project]\nname = "shop"\nversion = "1"\n')
    run(
        Options(
            [
                f"--pyproject={pyproject}",
                "--label=version=2",
                "--label=org.opencontainers.image.title=",
                "--label=query=a=b",
                f"--output={output}",
            ]
        )
    )
    assert output.read_text() == "org.opencontainers.image.version=1\nquery=a=b\nversion=2\n"


def test_a_dynamic_version_is_what_was_found_or_none(tmp_path: Path) -> None:
    pyproject, project, output = (tmp_path / name for name in ("pyproject", "project", "labels"))
    pyproject.write_text('[project]\nname = "shop"\ndynamic = ["version"]\n')
    arguments = [f"--pyproject={pyproject}", f"--project={project}", f"--output={output}"]
    title = "org.opencontainers.image.title=shop\n"
    project.write_text('{"version": "1.2"}')
    run(Options(arguments))
    assert output.read_text() == f"{title}org.opencontainers.image.version=1.2\nversion=1.2\n"
    project.write_text('{"version": ""}')
    run(Options(arguments))
    assert output.read_text() == title


def test_a_licence_by_its_text_is_its_first_line() -> None:
    project = b'[project]\nname = "x"\nversion = "1"\nlicense = { text = "MIT\\n\\nlong" }'
    assert project_labels(project, "p")["org.opencontainers.image.licenses"] == "MIT"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[project", r"^pyproject\.toml: "),
        (
            "[tool.uv.workspace]",
            r"no \[project\] table gives a name to label the image with; give fastapi_image\(\) "
            r"the pyproject\.toml of the project that it is made of$",
        ),
        ('[project]\nversion = "1"', "gives a name to label the image with"),
        ("project = 1", r"\[project\] is not as PEP 621 has it$"),
        ('[project]\nname = "x"\nversion = "1"\nauthors = "me"', "is not as PEP 621 has it"),
        ('[project]\nname = "x"\nversion = 1', r"1 can't be the label version, which is a line"),
        ('[project]\nname = "x"\nversion = "1\\nuser=root"', r"'1\\nuser=root' can't be the label"),
    ],
)
def test_projects_that_cannot_label_an_image(text: str, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        project_labels(text.encode(), "pyproject.toml")
