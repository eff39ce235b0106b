"""The private apt against the real apt and dpkg, with a small archive on disk."""

import gzip
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from frontdoor import recipe, setup, sources
from frontdoor.problem import Problem

from tests.tools.machine import BAZEL_VERSION

pytestmark = pytest.mark.skipif(
    not shutil.which("apt-get", path="/usr/bin"), reason="mirror mode is for machines with apt"
)


@pytest.fixture(autouse=True)
def signals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A set-up catches signals; pytest gets its own back. PATH is any Debian machine's."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    monkeypatch.setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


class Repository:
    """A Debian archive with the packages of the recipe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.architecture = recipe.ARCHITECTURES[os.uname().machine]
        self._index = ""
        (folder / "pool").mkdir(parents=True)

    def package(self, name: str, fields: str = "", files: dict[str, str] | None = None) -> None:
        """Builds a package with dpkg-deb and adds it to the index."""
        tree = self.folder / "build" / name
        control = f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.com>\n"
        control += f"{fields}Description: of a test\n"
        for path, content in {"DEBIAN/control": control, **(files or {})}.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(content)
        deb = self.folder / f"pool/{name}_1_all.deb"
        subprocess.run(
            ["/usr/bin/dpkg-deb", "--root-owner-group", "--build", tree, deb],
            check=True,
            capture_output=True,
        )
        data = deb.read_bytes()
        self._index += f"{control}Filename: pool/{deb.name}\nSize: {len(data)}\n"
        self._index += f"SHA256: {hashlib.sha256(data).hexdigest()}\n\n"

    def publish(self) -> sources.Source:
        """Writes the suite's index and release files; they are not signed."""
        suite = self.folder / "dists" / recipe.SUITE
        component = f"main/binary-{self.architecture}"
        (suite / component).mkdir(parents=True)
        sums = ""
        # apt looks the uncompressed name up, and fetches the compressed one.
        plain = self._index.encode()
        for name, data in (("Packages", plain), ("Packages.gz", gzip.compress(plain))):
            (suite / component / name).write_bytes(data)
            sums += f" {hashlib.sha256(data).hexdigest()} {len(data)} {component}/{name}\n"
        (suite / "Release").write_text(
            f"Suite: {recipe.SUITE}\nCodename: {recipe.SUITE}\nComponents: main\n"
            f"Architectures: {self.architecture}\nDate: Sat, 01 Jan 2022 00:00:00 UTC\n"
            f"SHA256:\n{sums}"
        )
        return sources.Source(f"file://{self.folder}", {"Trusted": "yes"})


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: apt names its lists after the address, and a file name has 255 bytes."""
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        yield Path(made)


@pytest.fixture
def repository(folder: Path) -> Repository:
    made = Repository(folder)
    files = {
        "base-files": {"etc/base": "", "usr/bin/base": "", "usr/share/doc/base/copyright": ""},
        "bazel-bootstrap": {"usr/share/bazel/build-label.txt": BAZEL_VERSION},
        "ca-certificates": {"usr/share/ca-certificates/mozilla/a.crt": "certificate\n"},
    }
    fields = {
        "base-files": "Essential: yes\n",
        # No package of the archive fulfils these.
        "bazel-bootstrap": f"Depends: {', '.join(recipe.LEFT_OUT)}\n",
        "git": "Recommends: recommended\n",
    }
    for name in ("base-files", *recipe.PACKAGES):
        if not name.startswith("?"):
            made.package(name, fields.get(name, ""), files.get(name))
    made.package("unwanted", "", {"etc/unwanted": ""})
    made.package("recommended", "", {"etc/unwanted": ""})
    return made


def test_a_set_up_with_the_real_apt(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = repository.publish()
    monkeypatch.setattr(sources, "debian", lambda: source)
    (tmp_path / ".bazelversion").write_text(BAZEL_VERSION)
    cache = tmp_path / "the cache"
    root = setup.make(str(cache), str(tmp_path))
    assert root.bazel == BAZEL_VERSION
    tree = Path(root.tree)
    assert (tree / "etc/base").is_file()
    assert not (tree / "etc/unwanted").exists()
    assert not (tree / "usr/share/doc").exists()
    assert sorted(entry.name for entry in cache.iterdir()) == [recipe.key(), "lock"]


def test_a_package_whose_checksum_is_wrong(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = repository.publish()
    monkeypatch.setattr(sources, "debian", lambda: source)
    package = repository.folder / "pool/jq_1_all.deb"
    package.write_bytes(bytes(package.stat().st_size))
    with pytest.raises(Problem, match=r"fetching packages from file:.* failed .*then run again"):
        setup.make(str(tmp_path / "cache"), str(tmp_path))
    assert sorted(e.name for e in (tmp_path / "cache").iterdir()) == ["fetching", "lock"]


def test_an_archive_without_bazel(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = Repository(folder)
    repository.package("base-files", "Essential: yes\n")
    source = repository.publish()
    monkeypatch.setattr(sources, "debian", lambda: source)
    with pytest.raises(Problem, match=r"Unable to locate package .*full Debian mirror"):
        setup.make(str(tmp_path / "cache"), str(tmp_path))
