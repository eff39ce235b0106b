"""start.py: an image without the program or the module that it starts, known before it starts."""

import io
import json
import os
import random
import tarfile
from pathlib import Path

import pytest
from layer.errors import LayerError
from layer.options import Options
from layer.start import run

BIN, SITE = "app/.venv/bin", "app/.venv/lib/python3.13/site-packages"
LAYERS = {
    "uvicorn": [f"{BIN}/uvicorn", f"{SITE}/uvicorn/__init__.py", f"{SITE}/uvicorn-1.dist-info/x"],
    "small_1": [
        f"{SITE}/anyio/__init__.py",
        f"{SITE}/shop/gone.py",
        f"{SITE}/six.py",
        f"{SITE}/fast.cpython-313.so",
    ],
}
SOURCES = ["shop/__init__.py", "shop/main.py", "run.sh", "space/api.py", "src/deep/main.py"]


def tar(path: Path, names: list[str]) -> str:
    with tarfile.open(path, "w:gz") as archive:
        for name in sorted(names):
            member = tarfile.TarInfo(name)
            member.mode = 0o755
            archive.addfile(member, io.BytesIO())
    return str(path)


def layout(folder: Path, names: list[str], env: list[str]) -> str:
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)
    tar(blobs / "layer", names)
    (blobs / "config").write_text(json.dumps({"config": {"Env": env}}))
    digest = "sha256:{}".format
    manifest = {"layers": [{"digest": digest("layer")}], "config": {"digest": digest("config")}}
    (blobs / "manifest").write_text(json.dumps(manifest))
    index = {"manifests": [{"digest": digest("manifest")}]}
    (folder / "index.json").write_text(json.dumps(index))
    return str(folder)


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    base = layout(
        tmp_path / "base",
        ["bin/sh", "opt/tools/tini", "usr/lib/python3/dist-packages/apt.py"],
        ["PATH=/opt/tools:/bin"],
    )
    return [
        "--workdir=app",
        "--environment=app/.venv",
        *(f"--path={path}" for path in SOURCES),
        *(f"--file=backend/{path}" for path in SOURCES),
        *(f"--layer={tar(tmp_path / name, names)}" for name, names in LAYERS.items()),
        f"--layout={base}",
        f"--output={tmp_path / 'checked'}",
    ]


def message(arguments: list[str], *more: str) -> str:
    """What is said, "" if all is well."""
    output = Path(Options(arguments).one("output"))
    output.unlink(missing_ok=True)
    try:
        run(Options([*arguments, *more]))
    except LayerError as error:
        assert not output.exists()
        return str(error)
    assert output.read_text() == ""
    return ""


@pytest.mark.parametrize(
    "word",
    [
        "uvicorn",
        "python",
        "python3",
        "python3.13",
        "/app/.venv/bin/uvicorn",
        "/app/.venv/bin/python",
        ".venv/bin/uvicorn",
        "tini",
        "sh",
        "/bin/sh",
        "/bin/../bin/sh",
        "./run.sh",
        "/app/run.sh",
    ],
)
def test_programs_that_are_there(arguments: list[str], word: str) -> None:
    assert message(arguments, f"--word={word}", "--word=more") == ""


def test_a_program_that_nothing_brings(arguments: list[str]) -> None:
    assert message(arguments, "--word=gunicorn", "--word=shop.main:app") == (
        "the image can't start: no distribution and no base brings the program gunicorn; add "
        "gunicorn to the dependencies and lock them anew, or correct entrypoint"
    )
    assert message(arguments, "--word=/usr/bin/tini") == (
        "the image can't start: no distribution and no base brings the program /usr/bin/tini; "
        "correct entrypoint"
    )
    assert message(arguments, "--word=run.sh").startswith("the image can't start: ")


def test_a_module_that_python_starts(arguments: list[str]) -> None:
    for module in ("uvicorn", "http.server", "six", "shop.main", "space.api"):
        options = ("--word=python", "--word=-m", f"--word={module}", "--word=shop.main:app")
        assert message(arguments, *options) == ""
    assert message(arguments, "--word=/app/.venv/bin/python3", "--word=-m", "--word=gunicorn") == (
        "the image can't start: no distribution and no source brings the module gunicorn, which it "
        "starts by -m; add it to the dependencies and lock them anew, or correct entrypoint"
    )


def test_a_program_of_another_layer(arguments: list[str], tmp_path: Path) -> None:
    further = tar(tmp_path / "further", ["./bin/gunicorn"])
    assert message(arguments, f"--further={further}", "--word=gunicorn") == ""
    assert message(arguments, f"--further={further}", "--word=hypercorn") != ""


def test_a_program_of_the_project(arguments: list[str], tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.write_text(json.dumps({"files": {"bin/shop": "#!"}, "roots": [""]}))
    assert message(arguments, f"--project={project}", "--word=shop") == ""
    assert message(arguments, "--word=shop") != ""


def test_a_layer_that_cannot_be_read_may_hold_it(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "zstd").write_bytes(b"\x28\xb5\x2f\xfd")
    options = (f"--further={tmp_path / 'zstd'}", "--word=gunicorn", "--application=web:app")
    assert message(arguments, *options) == ""
    (tmp_path / "base/blobs/sha256/layer").write_bytes(b"\x28\xb5\x2f\xfd")
    assert message(arguments, "--word=gunicorn") == ""


def test_only_the_start_of_a_layer_is_read(arguments: list[str], tmp_path: Path) -> None:
    """Programs come first in a layer of distributions; the rest of a large one takes its time."""
    with tarfile.open(tmp_path / "uvicorn", "w:gz") as archive:
        for name, size in {f"{BIN}/uvicorn": 1, f"{SITE}/a.py": 1, f"{SITE}/b.py": 1 << 20}.items():
            member = tarfile.TarInfo(name)
            member.size = size
            archive.addfile(member, io.BytesIO(random.Random(1).randbytes(size)))
    os.truncate(tmp_path / "uvicorn", 1 << 19)
    assert message(arguments, "--word=uvicorn") == ""
    assert "the program gunicorn" in message(arguments, "--word=gunicorn")


@pytest.mark.parametrize(
    "application",
    [
        "shop.main:app",
        "space.api:app",
        "uvicorn.main:app",
        "anyio:app",
        "six:app",
        "fast:app",
        "apt:app",
        "",
    ],
)
def test_modules_that_are_there_or_may_be(arguments: list[str], application: str) -> None:
    assert message(arguments, f"--application={application}") == ""


def test_a_module_below_another_root(arguments: list[str], tmp_path: Path) -> None:
    assert message(arguments, "--application=deep.main:app", "--root=src") == ""
    project = tmp_path / "project"
    project.write_text(json.dumps({"files": {}, "roots": ["", "src"]}))
    assert message(arguments, "--application=deep.main:app", f"--project={project}") == ""


def test_a_module_that_is_nowhere(arguments: list[str]) -> None:
    assert message(arguments, "--application=server.api:app") == (
        "application = 'server.api:app': there is no server/api.py or server/api/__init__.py in "
        "srcs (top level: no .py file), and no distribution has it; correct application, srcs or "
        "strip_prefix"
    )
    for application in ("shop.gone:app", "space.gone:app"):
        assert "and no distribution has it" in message(arguments, f"--application={application}")


def test_a_module_below_a_folder_that_is_not_stripped(arguments: list[str]) -> None:
    assert message(arguments, "--application=deep.main:app") == (
        "application = 'deep.main:app': there is no deep/main.py or deep/main/__init__.py in "
        'srcs, but backend/src/deep/main.py: give strip_prefix = "backend/src", or '
        'application = "src.deep.main:app"'
    )


def test_a_module_that_dockerignore_leaves_out(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "left_out").write_text("backend/space/api.py\n")
    options = (f"--left-out={tmp_path / 'left_out'}", "--application=space.api:app")
    assert message(arguments, *options) == (
        "application = 'space.api:app': there is no space/api.py or space/api/__init__.py in "
        "srcs: .dockerignore leaves it out; add a line with ! there"
    )


def test_an_application_of_another_form(arguments: list[str]) -> None:
    assert "isn't of the form 'module:attribute'" in message(arguments, "--application=x")


def test_a_base_that_is_no_layout(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "base/blobs/sha256/config").write_text("[]")
    assert "is no OCI image layout: " in message(arguments, "--word=gunicorn")
