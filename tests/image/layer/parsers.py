"""What the layer tool reads, each as a function of bytes that may be anything.

A parser returns, or raises LayerError: every other exception would be a traceback for a user.
"""

import contextlib
import hashlib
import importlib.util
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from layer import application, bytecode, dockerignore, elf, labels, project, pyc, scripts
from layer.deb import Package
from layer.errors import LayerError
from layer.options import Options

CORPUS = Path("tests/image/layer/corpus")


def _deb(content: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(content)
        Package(file.name).entries()


def _layer(content: bytes) -> None:
    """The only layer of a base image."""
    with tempfile.TemporaryDirectory() as folder:
        blobs = Path(folder, "blobs/sha256")
        blobs.mkdir(parents=True)
        (blobs / "layer").write_bytes(content)
        manifest = json.dumps({"layers": [{"digest": "sha256:layer"}]}).encode()
        (blobs / "manifest").write_bytes(manifest)
        index = {"manifests": [{"digest": "sha256:manifest"}]}
        Path(folder, "index.json").write_text(json.dumps(index))
        list(bytecode.entries(folder))


def _index(content: bytes) -> None:
    """The index of a base image whose manifest is the same file."""
    with tempfile.TemporaryDirectory() as folder:
        blobs = Path(folder, "blobs/sha256")
        blobs.mkdir(parents=True)
        for path in (Path(folder, "index.json"), blobs / "same"):
            path.write_bytes(content)
        list(bytecode.entries(folder))


def _elf(content: bytes) -> None:
    assert len(elf.strip(content)) <= len(content)


def _module(content: bytes) -> None:
    code = pyc.compile_source(content, "/app/main.py")
    assert code[:4] == importlib.util.MAGIC_NUMBER


def _application(content: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(content)
        application.check("main:app", application.Sources([("main.py", file.name)]))


def _dockerignore(content: bytes) -> None:
    patterns = dockerignore.Dockerignore(content, ".dockerignore")
    assert patterns.leaves_out("app/main.py") in (True, False)


def _project(content: bytes) -> None:
    """The pyproject.toml, which is also the file that its version is in."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_bytes(content)
        arguments = [f"--pyproject={folder}/pyproject.toml", f"--output={folder}/project.json"]
        version = ["--name=shop/__init__.py", f"--file={folder}/pyproject.toml"]
        with contextlib.redirect_stderr(io.StringIO()):
            project.run(Options([*arguments, *version, "--workdir=app", "--environment=app/.venv"]))


def _labels(content: bytes) -> None:
    for key, value in labels.project_labels(content, "pyproject.toml").items():
        assert "\n" not in f"{key}={value}"


def _entry_points(content: bytes) -> None:
    for name in scripts.console_scripts(content, "/app/.venv", "shop 1.0"):
        assert "/" not in name


PARSERS: dict[str, Callable[[bytes], None]] = {
    "application": _application,
    "deb": _deb,
    "dockerignore": _dockerignore,
    "elf": _elf,
    "entry_points": _entry_points,
    "index": _index,
    "labels": _labels,
    "layer": _layer,
    "module": _module,
    "project": _project,
}


def corpus(parser: str) -> list[Path]:
    """Seeds, and inputs that once were a traceback."""
    return sorted(path for path in (CORPUS / parser).iterdir() if path.is_file())


def run(parser: str, content: bytes) -> None:
    """Raises what no parser may raise."""
    with contextlib.suppress(LayerError):
        PARSERS[parser](content)


def name(content: bytes) -> str:
    """What a new input is called in the corpus."""
    return hashlib.sha256(content).hexdigest()[:16]
