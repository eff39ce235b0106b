"""The lock of the mirror base, and the command that writes it."""

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from image.base import lock
from image.base.lock import LockError, Package

_CONFIG = Path("image/base/packages.toml")
_PYTHONS = ("3.11", "3.13", "3.14")

on_each_python = pytest.mark.parametrize("python", _PYTHONS)


def lock_of(python: str) -> Path:
    return Path(f"image/base/debian_{python.replace('.', '_')}.lock.json")


def locked(python: str) -> dict[str, list[dict[str, Any]]]:
    packages: dict[str, list[dict[str, Any]]] = json.loads(lock_of(python).read_text())["packages"]
    return packages


def package(
    name: str = "zlib1g",
    version: str = "1:1.3-1",
    sha256: str = "0" * 64,
    archive: str = "debian",
) -> Package:
    return Package(
        name=name,
        version=version,
        architecture="amd64",
        archive=archive,
        path=f"pool/main/z/{name}.deb",
        size=1,
        sha256=sha256,
    )


@on_each_python
def test_the_lock_names_no_host(python: str) -> None:
    for packages in locked(python).values():
        for one in packages:
            assert "//" not in one["path"]
            assert one["path"].startswith("pool/")
    assert "://" not in lock_of(python).read_text()
    assert "://" not in _CONFIG.read_text()


@on_each_python
def test_the_lock_pins_every_package(python: str) -> None:
    config = lock.for_python(tomllib.loads(_CONFIG.read_text()), python)
    assert list(locked(python)) == config["architectures"] == ["amd64", "arm64"]
    for architecture, packages in locked(python).items():
        names = [one["name"] for one in packages]
        assert names == sorted(set(names))
        assert set(config["packages"]) <= set(names)
        assert not set(config["provided"]) & set(names)
        for one in packages:
            assert one["architecture"] in (architecture, "all")
            assert one["archive"] in config["archives"]
            assert re.fullmatch("[0-9a-f]{64}", one["sha256"])
            assert one["size"] > 0


@on_each_python
def test_both_platforms_have_the_same_packages(python: str) -> None:
    names = [[one["name"] for one in packages] for packages in locked(python).values()]
    assert names[0] == names[1]


def test_mirrors() -> None:
    assert lock.mirrors({lock.MIRROR: "https://mirror.example/debian/"}) == {
        "debian": "https://mirror.example/debian",
        "debian-security": "https://mirror.example/debian-security",
    }
    apart = {lock.MIRROR: "https://a.example/debian", lock.SECURITY_MIRROR: "https://b.example/s"}
    assert lock.mirrors(apart)["debian-security"] == "https://b.example/s"


def test_no_mirror() -> None:
    with pytest.raises(LockError, match=f"^{lock.MIRROR} is not set: give the base address"):
        lock.mirrors({})


def test_changes_name_what_is_new() -> None:
    old = {"amd64": [package("a"), package("b"), package("c"), package("d"), package("f")]}
    new = {
        "amd64": [
            package("a"),
            package("b", "1:1.3-2"),
            package("c", sha256="1" * 64),
            package("e"),
            # As a point release moves a security update.
            package("f", archive="debian-security"),
        ],
        "arm64": [package("a")],
    }
    assert lock.changes(old, new) == [
        "amd64: b 1:1.3-1 -> 1:1.3-2",
        "amd64: c 1:1.3-1: another file",
        "amd64: d 1:1.3-1 removed",
        "amd64: e 1:1.3-1 added",
        "amd64: f 1:1.3-1: at another place",
        "arm64: a 1:1.3-1 added",
    ]
    assert lock.changes(new, new) == []


@pytest.mark.parametrize(
    "broken", ["<<<<<<< HEAD\n{", "[]", '{"packages": 1}', '{"packages": {"amd64": [{}]}}', "\0"]
)
def test_a_lock_that_cannot_be_read_is_made_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    path = tmp_path / "debian_3_13.lock.json"
    path.write_text(broken)
    assert lock.read(path) == {}
    assert capsys.readouterr().err == "debian_3_13.lock.json can't be read: making it anew\n"


def test_no_lock_yet_is_an_empty_one(tmp_path: Path) -> None:
    assert lock.read(tmp_path / "none") == {}
    assert lock.read(lock_of("3.13")) == locked("3.13")


def test_a_lock_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "debian_3_13.lock.json"
    path.write_text("old")

    def full(self: Path, text: str) -> int:
        with self.open("w") as file:
            file.write(text[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space left"):
            lock.write(path, {"amd64": [package()]})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    lock.write(path, {"amd64": [package()]})
    assert json.loads(path.read_text())["packages"]["amd64"][0]["name"] == "zlib1g"


_APT = """#!/bin/sh
# Stands in for apt-get and apt-cache: says what they say, and keeps what it was asked.
echo "$0 $*" >> "{folder}/asked"
case "$*" in
*" update") exit {update} ;;
*" install "*) cat "{folder}/uris" ;;
*" show "*) cat "{folder}/paragraphs" ;;
esac
"""


class FakeApt:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._programs = folder / "bin"
        self._programs.mkdir()
        self.fill(update=0)
        monkeypatch.setenv("PATH", f"{self._programs}:{os.environ['PATH']}")
        keyring = folder / "keyring"
        keyring.touch()
        monkeypatch.setattr(lock, "KEYRINGS", (keyring,))

    def fill(self, update: int, uris: str = "", paragraphs: str = "") -> None:
        for program in ("apt-get", "apt-cache"):
            path = self._programs / program
            path.write_text(_APT.format(folder=self.folder, update=update))
            path.chmod(0o755)
        (self.folder / "uris").write_text(uris)
        (self.folder / "paragraphs").write_text(paragraphs)


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeApt:
    return FakeApt(tmp_path, monkeypatch)


_ADDRESSES = {
    "debian": "https://mirror.example/debian",
    "debian-security": "https://mirror.example/debian-security",
}
_DECLARED: dict[str, Any] = {
    "architectures": ["amd64"],
    "archives": {"debian": ["trixie"], "debian-security": ["trixie-security"]},
    "packages": {"zlib1g": "why"},
    "provided": {"awk": "why not"},
}


def test_what_apt_chooses_is_locked(apt: FakeApt) -> None:
    apt.fill(
        update=0,
        uris=(
            "Reading package lists...\n"
            "'https://mirror.example/debian-security/pool/updates/main/z/zlib/"
            "zlib1g_1.3%2bx-1_amd64.deb' zlib1g_1%3a1.3+x-1_amd64.deb 88720 \n"
            "'https://mirror.example/debian/pool/main/n/netbase/netbase_6.5_all.deb' "
            "netbase_6.5_all.deb 12436 MD5Sum:00\n"
        ),
        paragraphs=(
            "Package: zlib1g\nFilename: pool/updates/main/z/zlib/zlib1g_1.3+x-1_amd64.deb\n"
            f"Size: 88720\nSHA256: {'a' * 64}\nDescription: x\n\n"
            "Package: netbase\nFilename: pool/main/n/netbase/netbase_6.5_all.deb\n"
            f"Size: 12436\nSHA256: {'b' * 64}\n\n"
        ),
    )
    assert lock.resolve(_DECLARED, _ADDRESSES) == {
        "amd64": [
            {
                "name": "netbase",
                "version": "6.5",
                "architecture": "all",
                "archive": "debian",
                "path": "pool/main/n/netbase/netbase_6.5_all.deb",
                "size": 12436,
                "sha256": "b" * 64,
            },
            {
                "name": "zlib1g",
                "version": "1:1.3+x-1",
                "architecture": "amd64",
                "archive": "debian-security",
                "path": "pool/updates/main/z/zlib/zlib1g_1.3+x-1_amd64.deb",
                "size": 88720,
                "sha256": "a" * 64,
            },
        ]
    }
    asked = (apt.folder / "asked").read_text()
    assert "zlib1g:amd64=1:1.3+x-1" in asked
    assert "-oDir::State=" in asked


_PACKAGES = """
architectures = ["amd64"]
releases = {"3.11" = "bookworm", "3.14" = "forky"}
archives = {debian = ["{release}", "{release}-updates"]}
packages = {"python{python}-minimal" = "the interpreter"}
provided = {awk = "why not"}
"""


def test_each_python_is_locked_from_its_release(tmp_path: Path) -> None:
    config = tomllib.loads(_PACKAGES)
    assert lock.for_python(config, "3.14") == {
        "architectures": ["amd64"],
        "archives": {"debian": ["forky", "forky-updates"]},
        "packages": {"python3.14-minimal": "the interpreter"},
        "provided": {"awk": "why not"},
    }


def test_all_or_the_named_ones_are_locked(
    apt: FakeApt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = _ADDRESSES["debian"]
    monkeypatch.setenv(lock.MIRROR, address)
    path = "pool/main/n/netbase/netbase_6.5_all.deb"
    apt.fill(
        update=0,
        uris=f"'{address}/{path}' netbase_6.5_all.deb 12436 MD5Sum:00\n",
        paragraphs=f"Package: netbase\nFilename: {path}\nSize: 1\nSHA256: {'b' * 64}\n\n",
    )
    config = tmp_path / "packages.toml"
    config.write_text(_PACKAGES)
    lock.main(["3.14", f"--packages={config}"])
    assert [file.name for file in tmp_path.glob("*.lock.json")] == ["debian_3_14.lock.json"]
    assert "python3.14-minimal" in (apt.folder / "asked").read_text()
    lock.main([f"--packages={config}"])
    assert len(list(tmp_path.glob("*.lock.json"))) == 2


def test_a_python_that_is_not_in_debian(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(lock.MIRROR, _ADDRESSES["debian"])
    config = tmp_path / "packages.toml"
    config.write_text(_PACKAGES)
    with pytest.raises(SystemExit) as ended:
        lock.main(["3.12", f"--packages={config}"])
    assert ended.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith("packages.toml has no Python 3.12, only 3.11, 3.14")


def test_a_mirror_that_fails(apt: FakeApt) -> None:
    apt.fill(update=100)
    with pytest.raises(LockError, match=r"^apt-get update \(amd64\): exit code 100"):
        lock.resolve(_DECLARED, _ADDRESSES)


def test_a_machine_without_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LockError, match="apt-get or its keyring is not here: run this in mirror"):
        lock.resolve(_DECLARED, _ADDRESSES)


@pytest.mark.skipif(
    not any(keyring.exists() for keyring in lock.KEYRINGS),
    reason="this machine has no apt with Debian's keyring",
)
def test_an_archive_without_debians_signature_is_refused(tmp_path: Path) -> None:
    for archive, suites in _DECLARED["archives"].items():
        for suite in suites:
            folder = tmp_path / archive / "dists" / suite
            (folder / "main/binary-amd64").mkdir(parents=True)
            (folder / "main/binary-amd64/Packages").write_text("")
            (folder / "Release").write_text(
                f"Suite: {suite}\nCodename: {suite}\nComponents: main\nArchitectures: amd64\n"
                "Date: Sat, 21 Nov 2026 00:00:00 UTC\nSHA256:\n"
            )
    addresses = {archive: f"file://{tmp_path}/{archive}" for archive in _DECLARED["archives"]}
    with pytest.raises(LockError, match=r"^apt-get update \(amd64\): .*is not signed"):
        lock.resolve(_DECLARED, addresses)
