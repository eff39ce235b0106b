"""What the finished image holds, read from its blobs."""

import os
import re
import stat
from pathlib import Path

import pytest

from tests.image.base.layout import Layout

_SECRETS = ("NEON_DATABASE_URL", "OPENAI_API_KEY", "BETTER_AUTH_SECRET")


@pytest.fixture(scope="module")
def image() -> Layout:
    return Layout(Path(os.environ["IMAGE"]))


def test_every_entry_is_roots_and_only_tmp_is_writable(image: Layout) -> None:
    wrong = [
        (member.name, oct(member.mode), member.uid, member.gid)
        for member in image.members()
        if (member.uid, member.gid) != (0, 0)
        or (not member.issym() and member.mode & 0o022 and member.name not in ("tmp", "var/tmp"))
    ]
    assert wrong == []
    # Everybody writes there, and the sticky bit lets nobody remove another's file.
    assert {m.mode for m in image.members() if m.name in ("tmp", "var/tmp")} == {0o1777}


def test_nothing_is_setuid_or_setgid(image: Layout) -> None:
    special = stat.S_ISUID | stat.S_ISGID
    assert [member.name for member in image.members() if member.mode & special] == []


def test_no_time_but_the_epoch(image: Layout) -> None:
    app = image.layers()[-1]
    assert {member.mtime for member in app.getmembers()} == {0}


def test_every_module_has_unchecked_bytecode(image: Layout) -> None:
    """The application's, the dependencies' and the base's standard library's."""
    libraries = ("app/", "usr/lib/python3.13/", "usr/local/lib/python3.13/")
    files = {m.name: m for m in image.members() if m.isreg() and m.name.startswith(libraries)}
    missing = []
    for name in files:
        folder, _, file = name.rpartition("/")
        if file.endswith(".py") and "/bin/" not in name:
            cached = f"{folder}/__pycache__/{file.removesuffix('.py')}.cpython-313.pyc"
            if cached not in files:
                missing.append(name)
    assert missing == []
    compiled = [
        (layer, member)
        for layer in image.layers()
        for member in layer.getmembers()
        if member.name.startswith(libraries) and member.name.endswith(".pyc")
    ]
    assert len(compiled) > 2000
    for layer, member in compiled:
        content = layer.extractfile(member)
        assert content is not None
        # PEP 552: flags 0b01 are a hash-based file that is not checked against its source.
        assert content.read(8)[4:] == b"\x01\x00\x00\x00", member.name


def test_at_most_forty_layers_within_the_size_limits(image: Layout) -> None:
    assert len(image.manifest["layers"]) <= 40
    compressed = sum(layer["size"] for layer in image.manifest["layers"])
    unpacked = sum({m.name: m.size for m in image.members() if m.isreg()}.values())
    assert compressed < 60e6
    assert unpacked < 200e6


def test_no_development_tool_and_no_secret(image: Layout) -> None:
    names = {member.name for member in image.members()}
    site = "app/.venv/lib/python3.13/site-packages/"
    tools = ("pytest", "mypy", "ruff", "hypothesis", "schemathesis", "pip", "setuptools", "uv")
    assert [tool for tool in tools if any(n.startswith(f"{site}{tool}/") for n in names)] == []
    assert [n for n in names if re.search(r"(^|/)(\.env|id_rsa|\.netrc|\.pypirc)$", n)] == []
    variables = image.config["config"]["Env"]
    assert [v for v in variables if v.split("=")[0] in _SECRETS] == []


def test_configuration(image: Layout) -> None:
    config = image.config["config"]
    assert config["Entrypoint"] == ["uvicorn"]
    assert config["User"] == "65532:65532"
    assert config["WorkingDir"] == "/app"
    assert config["ExposedPorts"] == {"8000/tcp": {}}
    path = dict(v.split("=", 1) for v in config["Env"])["PATH"]
    assert path.split(":")[0] == "/app/.venv/bin"
