"""The package index that uv is given."""

from pathlib import Path

import pytest
from frontdoor import indexes

INDEX = "https://pypi.example/simple"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty home, and no configuration of this machine's."""
    for name in (*indexes.UV_VARIABLES, "PIP_INDEX_URL", "PIP_CONFIG_FILE", "UV_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CONFIG_HOME", "VIRTUAL_ENV", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "xdg"))
    monkeypatch.setattr(indexes, "SYSTEM_FILES", ())
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_nothing_is_configured(home: Path) -> None:
    assert indexes.uv_environment(str(home)) == {}


def test_pips_files_from_weak_to_strong(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(("xdg/pip/pip.conf", ".pip/pip.conf", ".config/pip/pip.conf")):
        write(home / name, f"[global]\nindex-url = {INDEX}/{number}\n")
        assert indexes.uv_environment(str(home)) == {"UV_DEFAULT_INDEX": f"{INDEX}/{number}"}
    write(home / ".config/pip/pip.conf", f"[install]\nindex_url = {INDEX}/i\n[global]\nindex-url=x")
    assert indexes.uv_environment(str(home)) == {"UV_DEFAULT_INDEX": f"{INDEX}/i"}
    monkeypatch.setenv("PIP_INDEX_URL", f"{INDEX}/environment")
    assert indexes.uv_environment(str(home)) == {"UV_DEFAULT_INDEX": f"{INDEX}/environment"}


def test_a_file_that_pip_is_told_of(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / "named.conf", f"[global]\nindex-url = {INDEX}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(home / "named.conf"))
    assert indexes.uv_environment(str(home)) == {"UV_DEFAULT_INDEX": INDEX}


def test_pip_told_to_read_no_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / ".config/pip/pip.conf", f"[global]\nindex-url = {INDEX}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    assert indexes.uv_environment(str(home)) == {}


@pytest.mark.parametrize("name", ["uv.toml", ".config/uv/uv.toml"])
def test_uvs_own_files_are_said_in_variables(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", INDEX)
    write(home / name, "[pip]\nindex-url = 'https://uv.example/pip'")
    assert indexes.uv_environment(str(home)) == {"UV_DEFAULT_INDEX": "https://uv.example/pip"}
    write(
        home / name,
        "extra-index-url = ['https://uv.example/extra']\n"
        "[[index]]\nname = 'named'\nurl = 'https://uv.example/named'\n"
        "[[index]]\nname = 'own'\nurl = 'https://uv.example/own'\ndefault = true\n"
        "[[index]]\nname = 'only'\nurl = 'https://uv.example/only'\nexplicit = true\n"
        "[[index]]\nname = 'page'\nurl = 'https://uv.example/page'\nformat = 'flat'\n"
        "[[index]]\nname = 'folder'\nurl = './wheels'\n",
    )
    assert indexes.uv_environment(str(home)) == {
        "UV_DEFAULT_INDEX": "own=https://uv.example/own",
        "UV_INDEX": "named=https://uv.example/named https://uv.example/extra",
    }
    write(home / name, "no-index = true")
    assert indexes.uv_environment(str(home)) == {}


def test_the_projects_indexes_are_not_the_machines(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", INDEX)
    text = "[[tool.uv.index]]\nname = 'own'\nurl = 'https://uv.example/simple'\n"
    write(home / "pyproject.toml", text + "explicit = true")
    assert indexes.uv_environment(str(home)) == {"UV_DEFAULT_INDEX": INDEX}
    write(home / "pyproject.toml", text + "default = true")
    assert indexes.uv_environment(str(home)) == {}


@pytest.mark.parametrize("name", indexes.UV_VARIABLES)
def test_uvs_own_variables_win(home: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", INDEX)
    monkeypatch.setenv(name, "https://uv.example/simple")
    assert indexes.uv_environment(str(home)) == {}


@pytest.mark.parametrize("text", ["# no index here\n[tool.uv]\npackage = false", "index = ["])
def test_files_that_name_no_index(home: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", INDEX)
    write(home / "pyproject.toml", text)
    assert indexes.uv_environment(str(home)) == {"UV_DEFAULT_INDEX": INDEX}


def test_a_broken_pip_file_is_pips_to_report(home: Path) -> None:
    write(home / ".config/pip/pip.conf", "index-url without a section")
    assert indexes.uv_environment(str(home)) == {}


def test_folders_that_pip_looks_into(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"file:///opt/simple {INDEX}")
    write(home / ".config/pip/pip.conf", "[global]\nfind-links =\n  /opt/wheels\n  relative\n")
    assert indexes.local_folders() == ["/opt/simple", "/opt/wheels"]
