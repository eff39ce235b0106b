"""links.py: which links stay links, below the folders that Bazel makes of links."""

import os
from pathlib import Path

import pytest
from layer.errors import LayerError
from layer.links import links

FILES = ("src/shop/main.py", "src/shop/prod.yaml", "src/shop/d/a.yaml", "src/shop/d/b.yaml")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "workspace"
    for name in (*FILES, "docs/notes.md"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    monkeypatch.chdir(root)
    return root


def sources(root: Path) -> dict[str, str]:
    """All files of src/, as glob() finds them: through links, too."""
    found = (
        Path(folder, name)
        for folder, _, names in os.walk(root / "src", followlinks=True)
        for name in names
    )
    paths = (str(path.relative_to(root)) for path in found)
    return {path: path.removeprefix("src/") for path in paths}


def test_no_links(workspace: Path) -> None:
    assert links(sources(workspace)) == {}
    assert links({}) == {}


def test_links_to_other_sources(workspace: Path) -> None:
    (workspace / "src/shop/now.yaml").symlink_to("prod.yaml")
    (workspace / "src/entry.py").symlink_to("../src/shop/main.py")
    (workspace / "src/shop/d/up.yaml").symlink_to("../prod.yaml")
    (workspace / "src/chain.yaml").symlink_to("shop/now.yaml")
    (workspace / "src/absolute.py").symlink_to(workspace / "src/shop/main.py")
    assert links(sources(workspace)) == {
        "shop/now.yaml": "prod.yaml",
        "entry.py": "shop/main.py",
        "shop/d/up.yaml": "../prod.yaml",
        "chain.yaml": "shop/now.yaml",
        "absolute.py": "shop/main.py",
    }


def test_links_to_folders(workspace: Path) -> None:
    (workspace / "src/shop/current").symlink_to("d")
    (workspace / "src/all").symlink_to("shop")
    assert links(sources(workspace)) == {"shop/current": "d", "all": "shop"}


def test_a_folder_that_is_not_all_there_is_copied(workspace: Path) -> None:
    (workspace / "src/shop/current").symlink_to("d")
    given = sources(workspace)
    del given["src/shop/d/b.yaml"]
    assert links(given) == {}


def test_a_link_to_a_file_that_is_no_source_is_copied(workspace: Path) -> None:
    (workspace / "src/notes.md").symlink_to("../docs/notes.md")
    (workspace / "src/docs").symlink_to("../docs")
    assert links(sources(workspace)) == {}


@pytest.mark.parametrize("target", ["/etc/hostname", "../../outside/x", "../../outside"])
def test_a_link_out_of_the_workspace(workspace: Path, target: str) -> None:
    (workspace.parent / "outside").mkdir()
    (workspace.parent / "outside/x").write_text("x")
    (workspace / "src/out").symlink_to(target)
    given = sources(workspace)
    with pytest.raises(LayerError) as caught:
        links(given)
    assert str(caught.value) == (
        f"src/out is a symbolic link to {target}, outside of the workspace: put a copy in its "
        "place, or leave it out of srcs"
    )


@pytest.mark.parametrize("sandbox", [False, True])
@pytest.mark.parametrize("target", [None, "/elsewhere/src/out.py"])
def test_bazels_own_links(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, sandbox: bool, target: str | None
) -> None:
    """The execution root has a link for each folder at the top, a sandbox one for each file."""
    (workspace / "src/shop/now.yaml").symlink_to("prod.yaml")
    (workspace / "src/all").symlink_to("shop")
    given = sources(workspace)
    if target:  # ends like one of Bazel's
        (workspace / "src/out.py").symlink_to(target)
        given["src/out.py"] = "out.py"
    root = workspace.parent / "base/execroot/_main"
    root.mkdir(parents=True)
    (root / "src").symlink_to(workspace / "src")
    if sandbox:
        inner = workspace.parent / "sandbox/1/execroot/_main"
        for path in given:
            (inner / path).parent.mkdir(parents=True, exist_ok=True)
            (inner / path).symlink_to(root / path)
        root = inner
    monkeypatch.chdir(root)
    if target:
        with pytest.raises(
            LayerError, match=r"^src/out\.py is a symbolic link to /elsewhere/src/o"
        ):
            links(given)
    else:
        assert links(given) == {"shop/now.yaml": "prod.yaml", "all": "shop"}


def test_what_is_not_of_the_workspace(workspace: Path) -> None:
    """Bazel's output and other repositories are full of links."""
    for name in ("bazel-out/bin/made.py", "external/other/x.py"):
        (workspace / name).parent.mkdir(parents=True)
        (workspace / name).symlink_to("/etc/hostname")
    assert links({"bazel-out/bin/made.py": "made.py", "external/other/x.py": "x.py"}) == {}
