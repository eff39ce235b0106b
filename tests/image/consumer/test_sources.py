"""What becomes of somebody else's source tree, whatever it looks like."""

import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.base.layout import Layout
from tests.image.consumer.workspace import PYPROJECT, Workspace

KEY = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"
CERTIFICATE = KEY.replace("PRIVATE KEY", "CERTIFICATE")
SITE = "app/.venv/lib/python3.13/site-packages"


@pytest.fixture
def tree(workspace: Workspace) -> Iterator[Workspace]:
    """The workspace, which afterwards is as it was before."""
    before = set(workspace.root.iterdir())
    yield workspace
    for path in set(workspace.root.iterdir()) - before:
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        else:
            shutil.rmtree(path)
    (workspace.root / "pyproject.toml").write_text(PYPROJECT)


def app(workspace: Workspace) -> dict[str, tarfile.TarInfo]:
    """What the application's layer holds, but for bytecode."""
    with tarfile.open(workspace.root / "bazel-bin/image_app.tar.gz") as tar:
        return {
            member.name: member
            for member in tar
            if not member.isdir() and "__pycache__" not in member.name
        }


def build(workspace: Workspace, *targets: str) -> str:
    done = workspace.bazel("build", *(targets or ("//:image_app",)))
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_a_whole_workspace(tree: Workspace) -> None:
    """`glob(["**"])` packs the application alone, the second build like the first."""
    tree.add(
        {
            ".dockerignore": "# what the image needs\n*\n!src\n!config\n!keys\n!.env*\n!web\n"
            "**/broken.py\nsrc/shop/tests\n",
            ".env": "SECRET=1\n",
            ".env.example": "SECRET=\n",
            ".git/HEAD": "ref: refs/heads/main\n",
            "config/.env.production": "SECRET=1\n",
            "config/shop.yaml": "x: 1\n",
            "keys/server.pem": KEY,
            "keys/ca.pem": CERTIFICATE,
            "keys/id_rsa": KEY.replace("PRIVATE", "OPENSSH PRIVATE"),
            "src/old/pyvenv.cfg": "home = /usr/bin\n",
            "src/old/bin/activate": "x\n",
            "src/shop/tests/test_main.py": "x = (\n",
            "src/shop/.mypy_cache/x.json": "{}\n",
            "src/shop/__pycache__/main.cpython-313.pyc": "stale\n",
            "web/node_modules/x/index.js": "x\n",
            "web/index.html": "<p>\n",
            "user.bazelrc": "\n",
            "Dockerfile": "FROM scratch\n",
        }
    )
    tree.write(srcs='glob(["**"])', application='"src.shop.main:app"', strip_prefix="None")
    try:
        said = build(tree, "//:image_linux_amd64", "//:image_app")
        expected = {
            "app/.env.example",
            "app/config/shop.yaml",
            "app/keys/ca.pem",
            "app/src/shop/__init__.py",
            "app/src/shop/main.py",
            "app/src/shop/page.html",
            "app/web/index.html",
        }
        assert set(app(tree)) == expected
        lines = [line for line in said.splitlines() if line.startswith("left out of the image: ")]
        assert lines == [
            "left out of the image: base_amd64.tar.gz, base_arm64.tar.gz, bin/uv, "
            "empty_base.tar.gz, patterns and 4 more (by .dockerignore); "
            "web/node_modules (node_modules); keys/id_rsa, keys/server.pem (private key); "
            ".env, config/.env.production (settings); "
            "src/.venv, src/old (virtual environment)"
        ], said
        digest = Layout(tree.built()).config["rootfs"]
        # Now there are Bazel's links to its output, which glob() follows.
        assert (tree.root / "bazel-out").exists()
        (tree.root / "src/shop/page.html").write_text("<p>edited\n")
        build(tree, "//:image_linux_amd64")
        (tree.root / "src/shop/page.html").write_text("<p>\n")
        said = build(tree, "//:image_linux_amd64", "//:image_app")
        assert set(app(tree)) == expected
        assert Layout(tree.built()).config["rootfs"] == digest
        # It was said once: no edit says it again.
        assert "left out of the image: " not in said
    finally:
        for folder in ("old", "shop/tests", "shop/.mypy_cache", "shop/__pycache__"):
            shutil.rmtree(tree.root / "src" / folder)


def test_a_filegroup_of_a_whole_workspace(tree: Workspace) -> None:
    """What it finds through Bazel's links stays out there, too."""
    everything = (
        'filegroup(name = "all", srcs = glob(["**"], exclude = ["bin/uv", "src/broken.py"]))'
    )
    arguments = {"application": '"src.shop.main:app"', "strip_prefix": '""'}
    tree.write(everything, srcs='[":all"]', **arguments)
    build(tree)
    build(tree)
    before = set(app(tree))
    tree.write(everything + "\n", srcs='[":all"]', **arguments)
    assert (tree.root / "bazel-bin/image_app.tar.gz").exists()
    build(tree)
    assert set(app(tree)) == before
    assert not [name for name in before if "bazel" in name or name.endswith("BUILD.bazel")]


def test_nothing_is_said_of_an_ordinary_tree(tree: Workspace) -> None:
    tree.write()
    tree.add({"lib/BUILD.txt": "x\n"})
    assert "left out" not in build(tree)


def test_a_dockerignore_that_is_not_to_be_used(tree: Workspace) -> None:
    tree.add({".dockerignore": "**/page.html\n", "other.dockerignore": "**/main.py\n"})
    tree.write()
    build(tree)
    assert sorted(app(tree)) == ["app/shop/__init__.py", "app/shop/main.py"]
    tree.write(dockerignore='""')
    assert "left out" not in build(tree)
    assert "app/shop/page.html" in app(tree)
    tree.write(dockerignore='"other.dockerignore"')
    done = tree.bazel("build", "//:image_linux_amd64")
    assert "srcs: .dockerignore leaves it out; add a line with ! there" in done.stderr, done.stderr


def test_several_roots_and_data_beside_the_code(tree: Workspace) -> None:
    tree.add(
        {
            "services/api/main.py": "from common import x\napp = x\n",
            "services/api/templates/a b.html": "<p>\n",
            "libs/common/common/__init__.py": "x = 1\n",
            "libs/common/space/größe.txt": "x\n",
            "libs/common/space/日本.py": "x = 1\n",
            "config/shop.yaml": "x: 1\n",
            "alembic/env.py": "x = 1\n",
        }
    )
    tree.write(
        srcs='glob(["services/**", "libs/**", "config/**", "alembic/**"])',
        strip_prefix='["services/api", "libs/common"]',
        application='"main:app"',
    )
    build(tree, "//:image_linux_amd64", "//:image_app")
    assert set(app(tree)) == {
        "app/main.py",
        "app/templates/a b.html",
        "app/common/__init__.py",
        "app/space/größe.txt",
        "app/space/日本.py",
        "app/config/shop.yaml",
        "app/alembic/env.py",
    }


def test_two_roots_with_one_path(tree: Workspace) -> None:
    tree.add({"one/main.py": "app = 1\n", "two/main.py": "app = 2\n"})
    tree.write(
        srcs='glob(["one/**", "two/**"])', strip_prefix='["one", "two"]', application='"main:app"'
    )
    done = tree.bazel("build", "//:image_app")
    assert (
        "ERROR: two sources for one path, /app/main.py: one/main.py and two/main.py; remove one"
        in done.stderr
    ), done.stderr


def test_symbolic_links(tree: Workspace) -> None:
    """In a sandbox and without, in a worker and without."""
    tree.add(
        {
            "code/main.py": "app = 1\n",
            "code/config/prod/a.yaml": "x: 1\n",
            "code/config/now": "→ prod",
            "code/entry.py": "→ main.py",
            "code/licence": "→ ../docs/licence",
            "docs/licence": "as you like\n",
        }
    )
    tree.write(srcs='glob(["code/**"])', strip_prefix='"code"', application='"main:app"')
    for strategy, how in (
        ("worker", "--worker_sandboxing"),
        ("worker", "--noworker_sandboxing"),
        ("sandboxed", "--worker_sandboxing"),
        ("local", "--worker_sandboxing"),
    ):
        # Every time with another variable, or it would not run again.
        options = (f"--strategy=AppLayer={strategy}", how, f"--action_env=X={strategy}{how}")
        build(tree, *options, "//:image_app")
        found = {name: member.linkname for name, member in app(tree).items()}
        assert found == {
            "app/main.py": "",
            "app/config/prod/a.yaml": "",
            "app/config/now": "prod",
            "app/entry.py": "main.py",
            # Not a source: its content is.
            "app/licence": "",
        }


def test_links_are_seen_where_the_workspace_is(tree: Workspace) -> None:
    """Elsewhere they would be files, and the layer another one."""
    tree.write()
    done = tree.bazel("aquery", "--output=text", 'mnemonic("AppLayer", "//:image_app")')
    assert "no-remote-exec: 1" in done.stdout, done.stderr


def test_a_factory(tree: Workspace) -> None:
    tree.add({"code/main.py": "def create_app(): ...\n"})
    arguments = {
        "srcs": 'glob(["code/**"])',
        "strip_prefix": '"code"',
        "application": '"main:create_app"',
    }
    tree.write(factory="True", **arguments)
    build(tree, "//:image_linux_amd64")
    settings = Layout(tree.built()).config["config"]
    assert settings["Cmd"][:2] == ["main:create_app", "--factory"]
    tree.write(factory="True", **{**arguments, "application": '"main:create"'})
    done = tree.bazel("build", "//:image_app")
    assert "ERROR: application = 'main:create': code/main.py binds no name" in done.stderr


def test_an_application_where_import_looks_by_other_means(tree: Workspace) -> None:
    """uvicorn's --app-dir, PYTHONPATH, and the installed project's `src`."""
    tree.write(strip_prefix='""', uvicorn_options='["--app-dir", "src"]')
    build(tree, "//:image_linux_amd64")
    tree.write(strip_prefix='""', env='{"PYTHONPATH": "/app/src"}')
    build(tree, "//:image_linux_amd64")
    tree.write(strip_prefix='""', pyproject='"pyproject.toml"')
    build(tree, "//:image_linux_amd64")
    # What another command is given is its own business.
    tree.write(application='"elsewhere:app"', cmd='["other:app"]')
    build(tree, "//:image_linux_amd64")
    # A distribution's module.
    tree.write(application='"helper:version"')
    build(tree, "//:image_linux_amd64")


def test_a_project_of_its_own(tree: Workspace) -> None:
    """Version, entry points and scripts, without the sources twice."""
    text = PYPROJECT + '[project.scripts]\nsell = "shop.main:sell"\n'
    (tree.root / "pyproject.toml").write_text(text)
    tree.write(pyproject='"pyproject.toml"', entrypoint='["sell"]', cmd='["things"]')
    build(tree, "//:image_linux_amd64", "//:image_app")
    layout = Layout(tree.built())
    info = f"{SITE}/shop-1.2.dist-info"
    assert b"Version: 1.2\n" in layout.read(f"{info}/METADATA")
    assert b"sell = shop.main:sell\n" in layout.read(f"{info}/entry_points.txt")
    assert json.loads(layout.read(f"{info}/direct_url.json"))["url"] == "file:///app"
    assert layout.read(f"{SITE}/_shop.pth") == b"/app\n/app/src\n"
    assert layout.read("app/.venv/bin/sell").startswith(b"#!/app/.venv/bin/python\n")
    assert len([name for name in app(tree) if name.endswith("main.py")]) == 1


def test_a_version_that_only_a_program_can_tell(tree: Workspace) -> None:
    dynamic = PYPROJECT.replace('version = "1.2"', 'dynamic = ["version"]')
    vcs = '"hatchling.build"\n[tool.hatch.version]\nsource = "vcs"'
    # Not the one that uv holds against the lock, without a network.
    tree.add({"dynamic.toml": dynamic.replace('"nothing"', vcs)})
    tree.write(pyproject='"dynamic.toml"')
    said = build(tree, "//:image_linux_amd64")
    line = (
        "dynamic.toml: hatch's source 'vcs' makes the version, so the image says 0.0.0: give "
        'fastapi_image() version = "1.2.3"'
    )
    assert line in said.splitlines()
    tree.write(pyproject='"dynamic.toml"', version='"4.5"')
    assert "0.0.0" not in build(tree, "//:image_linux_amd64")
    layout = Layout(tree.built())
    assert f"{SITE}/shop-4.5.dist-info/METADATA" in {member.name for member in layout.members()}
    assert layout.config["config"]["Labels"]["version"] == "4.5"


def test_a_version_in_a_source(tree: Workspace) -> None:
    dynamic = PYPROJECT.replace('version = "1.2"', 'dynamic = ["version"]')
    path = '"hatchling.build"\n[tool.hatch.version]\npath = "code/shop/__about__.py"'
    tree.add({"dynamic.toml": dynamic.replace('"nothing"', path)})
    tree.add({"code/shop/__about__.py": '__version__ = "7.8"\n', "code/main.py": "app = 1\n"})
    tree.write(
        srcs='glob(["code/**"])',
        strip_prefix='"code"',
        application='"main:app"',
        pyproject='"dynamic.toml"',
    )
    build(tree, "//:image_linux_amd64")
    layout = Layout(tree.built())
    assert layout.config["config"]["Labels"]["version"] == "7.8"
    assert f"{SITE}/shop-7.8.dist-info/METADATA" in {member.name for member in layout.members()}


def test_an_edit_runs_nothing_but_the_layer(tree: Workspace) -> None:
    """Not what the project says of itself, nor what is left out."""
    tree.add({"code/main.py": "app = 1\n", "code/.env": "x\n", ".dockerignore": "tests\n"})
    tree.write(
        srcs='glob(["code/**"])',
        strip_prefix='"code"',
        application='"main:app"',
        pyproject='"pyproject.toml"',
    )
    build(tree, "//:image_linux_amd64")
    Path(tree.root, "code/main.py").write_text("app = 2\n")
    done = tree.bazel("build", "--subcommands", "//:image_linux_amd64")
    started = [line for line in done.stderr.splitlines() if line.startswith("SUBCOMMAND: ")]
    assert any("image_app" in line for line in started), done.stderr
    assert not [line for line in started if "AppSources" in line or "ProjectMetadata" in line]
    assert not [line for line in started if "StartCheck" in line]
