"""app.py: sources and bytecode at their places, and sources that can't be there."""

import json
import tarfile
from pathlib import Path

import pytest
from layer.app import entries, run
from layer.errors import LayerError
from layer.options import Options
from layer.tarball import Entry


def layer(sources: list[tuple[str, str]], **options: bool) -> dict[str, Entry]:
    return {entry.path: entry for entry in entries(sources, "app", "app/.venv", **options)}


@pytest.fixture
def sources(tmp_path: Path) -> list[tuple[str, str]]:
    files = {
        "main.py": "app = 1\n",
        "shop/__init__.py": "",
        "shop/page.html": "<p>\n",
        "run": "#!/app/.venv/bin/python\n",
    }
    result = []
    for path, text in files.items():
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        result.append((path, str(file)))
    return result


def test_sources_and_their_bytecode(sources: list[tuple[str, str]]) -> None:
    found = layer(sources)
    assert {path: oct(entry.mode) for path, entry in found.items()} == {
        "app/main.py": "0o644",
        "app/__pycache__/main.cpython-313.pyc": "0o644",
        "app/shop/__init__.py": "0o644",
        "app/shop/__pycache__/__init__.cpython-313.pyc": "0o644",
        "app/shop/page.html": "0o644",
        "app/run": "0o755",
    }
    bytecode = found["app/__pycache__/main.cpython-313.pyc"].content()
    assert b"/app/main.py" in bytecode


def test_without_bytecode(sources: list[tuple[str, str]]) -> None:
    assert not [path for path in layer(sources, bytecode=False) if "__pycache__" in path]


def test_a_syntax_error_names_the_file_as_the_user_knows_it(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("x = 1\nx = (\n")
    with pytest.raises(LayerError) as caught:
        layer([("shop/broken.py", str(broken))])
    assert str(caught.value) == f"{broken}:2: syntax error: '(' was never closed"


@pytest.mark.parametrize("path", [".venv/bin/uvicorn", ".venv"])
def test_a_source_in_the_virtual_environment(tmp_path: Path, path: str) -> None:
    with pytest.raises(LayerError) as caught:
        layer([(path, str(tmp_path / "uvicorn"))])
    assert str(caught.value) == (
        f"{tmp_path}/uvicorn would lie in the virtual environment, /app/.venv; rename it or leave "
        "it out of srcs"
    )


def test_names_that_only_begin_like_the_virtual_environment(tmp_path: Path) -> None:
    note = tmp_path / "note"
    note.write_text("x")
    assert list(layer([(".venvs", str(note))])) == ["app/.venvs"]


def test_names_with_spaces_and_of_any_script(tmp_path: Path) -> None:
    names = ["a b/größe ü.txt", "日本/モジュール.py", "quote'\".txt", "#x", "@y"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    found = layer([(name, str(tmp_path / name)) for name in names])
    assert {f"app/{name}" for name in names} < set(found)
    assert "app/日本/__pycache__/モジュール.cpython-313.pyc" in found


def make(tmp_path: Path, files: dict[str, str], *more: str) -> dict[str, tarfile.TarInfo]:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = tmp_path.rglob("*", recurse_symlinks=True)
    paths = sorted(str(path.relative_to(tmp_path)) for path in found if path.is_file())
    arguments = [
        *(f"--path={path}" for path in paths),
        *(f"--file={path}" for path in paths),
        *("--workdir=app", "--environment=app/.venv", "--bytecode=0", *more),
        f"--output={tmp_path.parent / 'layer.tar.gz'}",
    ]
    run(Options(arguments))
    with tarfile.open(tmp_path.parent / "layer.tar.gz") as tar:
        return {member.name: member for member in tar if not member.isdir()}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "workspace").mkdir()
    monkeypatch.chdir(tmp_path / "workspace")
    return tmp_path / "workspace"


def test_links_are_links(here: Path) -> None:
    (here / "d").mkdir()
    (here / "now").symlink_to("d")
    (here / "entry.py").symlink_to("d/main.py")
    found = make(here, {"d/main.py": "app = 1\n", "d/x.txt": ""}, "--bytecode=1")
    assert {name: member.linkname for name, member in found.items() if member.issym()} == {
        "app/now": "d",
        "app/entry.py": "d/main.py",
    }
    # The interpreter looks for the bytecode of a link beside the link.
    assert "app/__pycache__/entry.cpython-313.pyc" in found
    assert "app/d/__pycache__/main.cpython-313.pyc" in found
    assert not [name for name in found if name.startswith("app/now/")]


def test_a_link_out_of_the_workspace(here: Path) -> None:
    (here / "out.txt").symlink_to("/etc/hostname")
    with pytest.raises(LayerError, match=r"^out\.txt is a symbolic link to /etc/hostname, outside"):
        make(here, {"main.py": ""})


def test_what_is_left_out_is_not_read(here: Path) -> None:
    left_out = here.parent / "left_out"
    left_out.write_text("tests/broken.py\nout.txt\n")
    (here / "out.txt").symlink_to("/etc/hostname")
    files = {"main.py": "app = 1\n", "tests/broken.py": "x = (\n"}
    found = make(here, files, f"--left-out={left_out}", "--bytecode=1", "--application=main:app")
    assert sorted(found) == ["app/__pycache__/main.cpython-313.pyc", "app/main.py"]


def test_the_projects_own_files_and_roots(here: Path) -> None:
    project = here.parent / "project.json"
    files = {
        "bin/shop": "#!/app/.venv/bin/python\n",
        "lib/shop.dist-info/METADATA": "Name: größe\n",
    }
    written = {"files": files, "roots": ["", "src"], "version": "1", "written": {}}
    project.write_text(json.dumps(written))
    options = (f"--project={project}", "--application=shop:app")
    found = make(here, {"src/shop.py": "app = 1\n"}, *options)
    assert {name: oct(member.mode) for name, member in found.items()} == {
        "app/.venv/bin/shop": "0o755",
        "app/.venv/lib/shop.dist-info/METADATA": "0o644",
        "app/src/shop.py": "0o644",
    }
    with pytest.raises(LayerError, match="binds no name 'app'"):
        make(here, {"src/shop.py": ""}, *options)
    with pytest.raises(LayerError, match="binds no name 'app'"):
        make(here, {"lib/shop.py": ""}, "--root=lib", "--application=shop:app")


def test_a_module_that_the_backend_would_write(here: Path) -> None:
    """It comes beside its neighbours, wherever they go; not over one that is there."""
    project = here.parent / "project.json"
    text = "version = '1.2'\n"
    written = dict.fromkeys(("src/shop/_version.py", "src/own.py", "none/_version.py"), text)
    made = {"files": {}, "roots": [""], "version": "1.2", "written": written}
    project.write_text(json.dumps(made))
    files = {"src/shop/__init__.py": "", "src/own.py": "version = 'mine'\n"}
    found = make(here, files, f"--project={project}", "--bytecode=1")
    assert {name for name in found if "version" in name} == {
        "app/src/shop/_version.py",
        "app/src/shop/__pycache__/_version.cpython-313.pyc",
    }
