"""What dockle and the CIS Docker Benchmark ask of an image, offline, for both platforms.

Each test names the check that it answers: CIS-DI and DKL are dockle's numbers, of which CIS-DI
follow section 4 of the CIS Docker Benchmark. What test_contents.py holds for this machine's CPU is
held here for the other too, where it is about rights.
"""

import collections
import io
import os
import re
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from elftools.elf.constants import P_FLAGS
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from tests.image.base.layout import Layout

_PLATFORMS = ("linux_amd64", "linux_arm64")
_MACHINES = {"linux_amd64": "EM_X86_64", "linux_arm64": "EM_AARCH64"}

# Everybody writes there, under the sticky bit.
_SHARED = ("tmp", "var/tmp")

# What is left where a package manager has worked, or an image was made without care (DKL-LI-0003).
_LEFTOVERS = re.compile(
    r"(^|/)(\.cache|\.npm|\.git|\.gitignore|\.dockerignore|\.github|\.vscode|\.idea|\.pytest_cache"
    r"|\.mypy_cache|\.ruff_cache|Dockerfile|docker-compose\.ya?ml|\.bash_history|\.wget-hsts)(/|$)"
    r"|^var/(cache/apt|cache/apk|lib/apt/lists|lib/apk|log/apt|cache/yum|cache/dnf)/."
)

# By the names that dockle and others know (CIS-DI-0010).
_CREDENTIAL_FILE = re.compile(
    r"(^|/)(\.env(\..+)?|\.netrc|\.pypirc|\.npmrc|\.pgpass|\.git-credentials|\.dockercfg|\.htpasswd"
    r"|\.docker/config\.json|\.aws/credentials|\.kube/config|id_(rsa|dsa|ecdsa|ed25519)"
    r"|credentials?(\.(json|xml|ya?ml))?|settings\.local\.json|secrets?\.(json|ya?ml|env)"
    r"|.*\.(kdbx|keystore|jks|pfx|p12|pem|key))$"
)
# Certificate authorities' public certificates.
_PUBLIC = ("usr/share/ca-certificates/", "app/.venv/lib/python3.13/site-packages/certifi/")
_CREDENTIAL_VARIABLE = re.compile(
    r"PASS(WD|WORD)?$|SECRET|TOKEN|CREDENTIAL|API_?KEY|PRIVATE|DATABASE_URL|ACCESS_?KEY", re.I
)

# Debian builds its interpreter at a fixed address, for speed: python3.13's debian/rules.
_FIXED_ADDRESS = {"usr/bin/python3.13"}


class Image(NamedTuple):
    """One platform's image; its layers without those of a base that isn't ours."""

    platform: str
    layout: Layout
    layers: list[tarfile.TarFile]

    def entries(self) -> Iterator[tarfile.TarInfo]:
        for layer in self.layers:
            yield from layer.getmembers()


@pytest.fixture(scope="module", params=_PLATFORMS)
def image(request: pytest.FixtureRequest) -> Image:
    layout = Layout(Path("image") / f"image_{request.param}")
    base = Path(os.environ[request.param.upper()])
    below = 0 if base.parent == Path("image/base/debian") else len(Layout(base).layers())
    return Image(request.param, layout, layout.layers()[below:])


def test_the_user_is_a_number_and_not_root(image: Image) -> None:
    """CIS-DI-0001."""
    user = image.layout.config["config"]["User"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), user


def test_rights(image: Image) -> None:
    """CIS-DI-0008 and file modes: nothing setuid or setgid, nothing writable, all of it root's."""
    wrong = []
    for member in image.entries():
        special = member.mode & (stat.S_ISUID | stat.S_ISGID)
        writable = not member.issym() and member.mode & 0o022 and member.name not in _SHARED
        if special or writable or (member.uid, member.gid) != (0, 0):
            wrong.append((member.name, oct(member.mode), member.uid, member.gid))
    assert wrong == []
    assert {m.mode for m in image.entries() if m.name in _SHARED} <= {0o1777}


def accounts(image: Image, file: str) -> list[list[str]]:
    """The fields of each line of a file of accounts: passwd(5), group(5)."""
    lines = image.layout.read(file).decode().splitlines()
    return [line.split(":") for line in lines if line and not line.startswith("#")]


def test_names_and_ids_are_unique(image: Image) -> None:
    """DKL-LI-0002."""
    for file in ("etc/passwd", "etc/group"):
        for field in (0, 2):
            values = [account[field] for account in accounts(image, file)]
            twice = [v for v, count in collections.Counter(values).items() if count > 1]
            assert twice == [], (file, field)
    assert [a[0] for a in accounts(image, "etc/passwd") if a[2] == "0"] == ["root"]


def test_no_password_is_empty(image: Image) -> None:
    """DKL-LI-0001: `x` or a locked one, and where there is a shadow file its fields too."""
    there = image.layout.files()
    files = [f for f in ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow") if f in there]
    empty = [(file, a[0]) for file in files for a in accounts(image, file) if not a[1]]
    assert empty == []
    assert all(a[1] in ("x", "*", "!") for a in accounts(image, "etc/passwd"))


def test_nothing_is_left_of_making_it(image: Image) -> None:
    """DKL-DI-0005, DKL-LI-0003: no package manager's caches, no history, no files of git."""
    assert [m.name for m in image.entries() if _LEFTOVERS.search(m.name)] == []


def test_no_file_is_named_like_a_credential(image: Image) -> None:
    """CIS-DI-0010."""
    assert [
        member.name
        for member in image.entries()
        if member.isreg()
        and _CREDENTIAL_FILE.search(member.name)
        and not member.name.startswith(_PUBLIC)
    ] == []


def test_no_variable_label_or_argument_holds_a_credential(image: Image) -> None:
    """CIS-DI-0010, DKL-DI-0001."""
    config = image.layout.config
    names = [variable.split("=")[0] for variable in config["config"]["Env"]]
    names += list(config["config"].get("Labels") or {})
    assert [name for name in names if _CREDENTIAL_VARIABLE.search(name)] == []
    commands = " ".join(entry.get("created_by", "") for entry in config["history"])
    assert not re.search(r"\bsudo\b|(PASSWORD|TOKEN|SECRET)=", commands)


def test_no_volume_on_a_sensitive_folder(image: Image) -> None:
    """DKL-DI-0002; the image asks for no volume at all."""
    assert not image.layout.config["config"].get("Volumes")


def test_no_image_is_taken_or_deployed_by_latest() -> None:
    """DKL-DI-0006: bases are pinned by digest, and no cluster is told `latest`.

    Minikube's overlay may: it runs what this machine's `//image:load` named so and never pulls.
    """
    pulled = re.findall(r"oci\.pull\((.*?)\n\)", Path("MODULE.bazel").read_text(), re.S)
    assert pulled
    assert all(re.search(r'digest = "sha256:[0-9a-f]{64}"', pull) for pull in pulled)
    manifests = [file for file in Path("deploy").glob("*/*.yaml") if file.parent.name != "minikube"]
    assert manifests
    latest = re.compile(r"^[^#\n]*(image|newTag):.*\blatest\b", re.M)
    assert [file for file in manifests if latest.search(file.read_text())] == []


class Hardening(NamedTuple):
    """What one ELF file declares."""

    path: str
    machine: str
    relro: str
    pie: bool
    stack: str
    other: tuple[str, ...]


def hardening(path: str, content: bytes) -> Hardening:
    """Reads segments alone: section tables may have been stripped."""
    elf = ELFFile(io.BytesIO(content))
    kinds = {segment["p_type"]: segment for segment in elf.iter_segments()}
    tags = {
        tag.entry.d_tag: tag.entry.d_val
        for segment in elf.iter_segments()
        if isinstance(segment, DynamicSegment)
        for tag in segment.iter_tags()
    }
    # DT_BIND_NOW, DF_BIND_NOW, DF_1_NOW: all symbols are bound before the table turns read-only.
    now = "DT_BIND_NOW" in tags or tags.get("DT_FLAGS", 0) & 8 or tags.get("DT_FLAGS_1", 0) & 1
    stack = kinds.get("PT_GNU_STACK")
    writable_code = any(
        segment["p_type"] == "PT_LOAD"
        and segment["p_flags"] & P_FLAGS.PF_W
        and segment["p_flags"] & P_FLAGS.PF_X
        for segment in elf.iter_segments()
    )
    return Hardening(
        path,
        elf["e_machine"],
        "none" if "PT_GNU_RELRO" not in kinds else "full" if now else "partial",
        elf["e_type"] == "ET_DYN",
        # Without the segment the kernel assumes that the stack must be executable.
        "fixed" if stack and not stack["p_flags"] & P_FLAGS.PF_X else "executable",
        (
            *(["writable code"] if writable_code else []),
            *(["text relocations"] if "DT_TEXTREL" in tags else []),
        ),
    )


@pytest.fixture(scope="module")
def binaries(image: Image) -> list[Hardening]:
    """Every ELF file."""
    return elf_files(image.layers)


def elf_files(layers: list[tarfile.TarFile]) -> list[Hardening]:
    found = []
    for layer in layers:
        for member in layer.getmembers():
            content = layer.extractfile(member) if member.isreg() else None
            if content and content.read(4) == b"\x7fELF":
                content.seek(0)
                found.append(hardening(member.name, content.read()))
    return found


def test_every_binary_is_for_the_platform(image: Image, binaries: list[Hardening]) -> None:
    """The report, one line for each file, is in the test's log."""
    of_a_base_too = len(image.layers) == len(image.layout.layers())
    assert len(binaries) > (50 if of_a_base_too else 20)
    print(f"FIGURE {image.platform}: {len(binaries)} ELF files")
    print(f"{'RELRO':8}{'PIE':5}{'stack':11}{'CPU':12}file")
    for found in sorted(binaries):
        pie = "PIE" if found.pie else "-"
        print(f"{found.relro:8}{pie:5}{found.stack:11}{found.machine:12}{found.path}")
    wanted = _MACHINES[image.platform]
    assert [(b.path, b.machine) for b in binaries if b.machine != wanted] == []


def test_every_binary_is_hardened(binaries: list[Hardening]) -> None:
    """RELRO, no executable stack, no writable code; loadable anywhere but for one named file."""
    assert [b.path for b in binaries if b.relro == "none"] == []
    assert [b.path for b in binaries if b.stack == "executable"] == []
    assert [(b.path, b.other) for b in binaries if b.other] == []
    assert {b.path for b in binaries if not b.pie} <= _FIXED_ADDRESS
