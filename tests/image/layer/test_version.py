"""version.py: where the build backends find a project's version, and how it is written."""

import tomllib

import pytest
from layer.version import UnknownVersionError, find, normalise

HATCH = 'build-system.build-backend = "hatchling.build"\n'
SETUPTOOLS = 'build-system.build-backend = "setuptools.build_meta"\n'
FLIT = 'build-system.build-backend = "flit_core.buildapi"\n'
PDM = 'build-system.build-backend = "pdm.backend"\n'
POETRY = 'build-system.build-backend = "poetry.core.masonry.api"\n'
PROJECT = '[project]\nname = "my-shop"\ndynamic = ["version"]\n'


def located(toml: str, files: dict[str, str]) -> str:
    contents = {name: text.encode() for name, text in files.items()}
    return find(tomllib.loads(f"{toml}\n{PROJECT}"), contents.get)


def test_a_static_version() -> None:
    assert find({"project": {"name": "x", "version": "1.02-rc.1"}}, lambda _: None) == "1.2rc1"


@pytest.mark.parametrize(
    ("toml", "files"),
    [
        (
            HATCH + 'tool.hatch.version.path = "shop/__about__.py"',
            {"shop/__about__.py": "__version__ = '1.2'"},
        ),
        (HATCH + 'tool.hatch.version.path = "v.py"', {"v.py": 'x = 1\nVERSION: str = "v1.2"  # x'}),
        (
            HATCH + "[tool.hatch.version]\npath = 'v.txt'\npattern = 'is (?P<version>[0-9.]+)'",
            {"v.txt": "it is 1.2\n"},
        ),
        (
            HATCH + "[tool.hatch.version]\nsource = 'code'\npath = 'v.py'\nexpression = 'that'",
            {"v.py": "that: str = '1.2'"},
        ),
        (
            SETUPTOOLS + 'tool.setuptools.dynamic.version.attr = "shop.__version__"',
            {"src/shop/__init__.py": "__version__ = '1.2'"},
        ),
        (
            SETUPTOOLS + 'tool.setuptools.dynamic.version.attr = "shop.v.VERSION"',
            {"shop/v.py": "VERSION = (1, 2)"},
        ),
        (
            SETUPTOOLS + 'tool.setuptools.dynamic.version.attr = "shop.V"\n'
            'tool.setuptools.packages.find.where = ["./python"]',
            {"python/shop.py": "V = '1.2'"},
        ),
        (SETUPTOOLS + 'tool.setuptools.dynamic.version.file = "VERSION"', {"VERSION": "1.2\n"}),
        (SETUPTOOLS + 'tool.setuptools.dynamic.version.file = ["VERSION"]', {"VERSION": " 1.2 "}),
        ('tool.setuptools.dynamic.version.file = "VERSION"', {"VERSION": "1.2"}),
        (FLIT, {"my_shop/__init__.py": '"""Shop."""\n__version__ = "1.2"'}),
        (FLIT + 'tool.flit.module.name = "shop"', {"src/shop.py": '__version__ = "1.2"'}),
        (
            PDM + 'tool.pdm.version = {source = "file", path = "shop/v.py"}',
            {"shop/v.py": "__version__ = '1.2'"},
        ),
        (POETRY + 'tool.poetry.version = "1.2"', {}),
    ],
)
def test_a_version_that_is_somewhere(toml: str, files: dict[str, str]) -> None:
    assert located(toml, files) == "1.2"


@pytest.mark.parametrize(
    ("toml", "files", "message"),
    [
        (HATCH + 'tool.hatch.version.source = "vcs"', {}, "hatch's source 'vcs' makes the version"),
        (HATCH + 'tool.hatch.version.path = "v.py"', {}, "v.py makes it, which isn't among srcs"),
        (HATCH + 'tool.hatch.version.path = "v.py"', {"v.py": ""}, "v.py has no version in it"),
        (
            HATCH + "[tool.hatch.version]\npath = 'v'\npattern = '('",
            {"v": ""},
            "v has no version in it",
        ),
        (
            HATCH + "[tool.hatch.version]\npath = 'v'\npattern = 'x'",
            {"v": "x"},
            "v has no version in it",
        ),
        (SETUPTOOLS + "[tool.setuptools_scm]", {}, "setuptools-scm makes the version"),
        (SETUPTOOLS, {}, "setup.py makes it"),
        (
            SETUPTOOLS + 'tool.setuptools.dynamic.version.attr = "shop.V"',
            {},
            "shop.V is in none of shop/__init__.py, shop.py, src/shop/__init__.py, src/shop.py",
        ),
        (
            SETUPTOOLS + 'tool.setuptools.dynamic.version.attr = "shop.V"',
            {"shop.py": "V = make()"},
            "shop.py assigns no plain string to V",
        ),
        (FLIT, {"my_shop.py": "x = ("}, "my_shop.py assigns no plain string to __version__"),
        (PDM + 'tool.pdm.version.source = "scm"', {}, "pdm's source 'scm' makes the version"),
        ('build-system.build-backend = "maturin"', {}, "maturin makes the version"),
    ],
)
def test_a_version_that_is_not_to_be_found(toml: str, files: dict[str, str], message: str) -> None:
    with pytest.raises(UnknownVersionError) as caught:
        located(toml, files)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("version", "normal"),
    [
        ("1.2.3", "1.2.3"),
        ("v1.0", "1.0"),
        ("1.0.0-beta.1", "1.0.0b1"),
        ("1.0-RC", "1.0rc0"),
        ("1.0.alpha2", "1.0a2"),
        ("1.0-1", "1.0.post1"),
        ("1.0.post", "1.0.post0"),
        ("1.0-dev3+Ubuntu-01", "1.0.dev3+ubuntu.1"),
        ("1!01.02", "1!1.2"),
        (" 1.0\n", "1.0"),
        ("no version", "noversion"),
    ],
)
def test_the_normal_form(version: str, normal: str) -> None:
    assert normalise(version) == normal
