"""Where mirror mode can't be set up: one line that says why and what to do."""

import os
from pathlib import Path

import pytest
from frontdoor import namespace, recipe, setup
from frontdoor.problem import DiskFull, Problem

from tests.tools.archive import MIRROR, Archive
from tests.tools.machine import Machine

# What apt says, and what of it reaches the user.
APT = {
    "refused": (
        f"Err:1 {MIRROR} forky InRelease\n  Could not connect to debian.example:443\n",
        "InRelease Could not connect to debian.example:443): check the network and the proxy, or"
        " name another mirror with FASTAPI_IMAGE_DEBIAN_MIRROR, then run again",
    ),
    "no suite": (
        f"E: The repository '{MIRROR} forky Release' does not have a Release file.\n",
        "take a mirror that carries suite forky, then run again",
    ),
    "keys": (
        "W: GPG error: forky InRelease: NO_PUBKEY 6ED0E7B82643E131\nE: is not signed.\n",
        "install a newer debian-archive-keyring, then run again",
    ),
    "expired": ("E: Release file is expired (invalid since 3d)\n", "correct the clock or take"),
    "full": ("E: Write error - write (28: No space left on device)\n", "free some space, then"),
    "silent": ("", "(apt-get said nothing): check the network"),
}


@pytest.mark.parametrize("case", APT)
def test_apt_fails(archive: Archive, case: str) -> None:
    says, expected = APT[case]
    (archive.machine.home / "apt-says").write_text(says)
    message = archive.error(FAKE_FAILS="update")
    assert message.startswith(f"tools/bazel: fetching package lists from {MIRROR} failed (")
    assert expected in message
    assert archive.left() == (["lock"] if case == "full" else ["fetching", "lock"])


@pytest.mark.parametrize(
    ("command", "doing"),
    [("--print-uris", "resolving packages"), ("--download-only", "fetching packages")],
)
def test_apt_fails_later(archive: Archive, command: str, doing: str) -> None:
    (archive.machine.home / "apt-says").write_text("E: the mirror went away\n")
    message = archive.error(FAKE_FAILS=command)
    assert f"{doing} from {MIRROR} failed (E: the mirror went away): check the" in message
    assert archive.left() == ["fetching", "lock"]
    assert archive.run().returncode == 7


def test_a_password_in_the_address_is_not_shown(archive: Archive) -> None:
    address = "https://user:hunter2@debian.example/debian"
    (archive.machine.home / "apt-says").write_text(f"E: no {address}/dists\n")
    done = archive.machine.run("info", FASTAPI_IMAGE_DEBIAN_MIRROR=address, FAKE_FAILS="update")
    assert "from https://debian.example/debian failed (E: no https://debian.example" in done.stderr
    assert "hunter2" not in done.stderr
    written = archive.machine.cache / "fetching/debian.sources"
    assert written.stat().st_mode & 0o777 == 0o600


def test_a_damaged_package(archive: Archive) -> None:
    package = archive.folder / "filler1_1_all.deb"
    whole = package.read_bytes()
    package.write_text("damaged")
    message = archive.error()
    assert "filler1_1_all.deb can't be unpacked (" in message
    assert message.endswith("it was removed: run again")
    package.write_bytes(whole)
    assert archive.run().returncode == 7
    archive.assert_whole()


def test_the_disk_fills_up(archive: Archive) -> None:
    message = archive.error(FAKE_FULL="yes")
    assert message == "tools/bazel: the disk is full: free some space, then run again"
    assert archive.left() == ["lock"]


def test_the_disk_is_too_small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(recipe, "BYTES_NEEDED", 10**18)
    with pytest.raises(
        DiskFull, match=r"needs 1000000000000 MB in .*/not/yet, and \d+ MB are free"
    ):
        setup.check_space(str(tmp_path / "not/yet"))


def test_a_wrong_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    system = os.uname_result(("Linux", "host", "6", "1", "riscv64"))
    monkeypatch.setattr(os, "uname", lambda: system)
    with pytest.raises(Problem, match=r"no Bazel for this CPU \(riscv64; there is one for x86_64"):
        setup.check_machine()


def test_a_machine_without_apt(machine: Machine) -> None:
    machine.user_bazelrc.write_text("common --config=mirror\n")
    machine.only("sh", "tar")
    assert machine.error("info", FASTAPI_IMAGE_DEBIAN_MIRROR=MIRROR) == (
        "tools/bazel: mirror mode fetches Bazel with apt, and this machine has no apt-get,"
        " apt-config, dpkg-deb: use a Debian machine, or hub mode (tools/bazel --mode=hub)"
    )


def test_a_cache_that_cannot_be_made(archive: Archive) -> None:
    (archive.machine.home / ".cache").write_text("a file")
    assert "/.cache/fastapi_image can't be made (Not a directory): set XDG" in archive.error()


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(Problem, match=r"can't be written: make it yours again, or set XDG_CACHE"):
        setup.check_writable(str(tmp_path))
    setup.check_writable(str(tmp_path / "not/yet"))


def test_forbidden_namespaces_are_found_before_anything_is_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def forbidden() -> None:
        raise Problem("this machine forbids namespaces")

    monkeypatch.setattr(setup, "check_machine", lambda: None)
    monkeypatch.setattr(namespace, "check", forbidden)
    with pytest.raises(Problem, match="forbids namespaces"):
        setup.make(str(tmp_path / "cache"), str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_no_bazel_version_is_wanted(archive: Archive) -> None:
    (archive.machine.checkout / ".bazelversion").unlink()
    assert archive.error().endswith(
        ".bazelversion can't be read (No such file or directory): restore it, git checkout"
        " .bazelversion"
    )


def test_debian_has_another_bazel(archive: Archive) -> None:
    (archive.machine.checkout / ".bazelversion").write_text("7.9.9\n")
    assert "Debian forky has Bazel 7.7.1, .bazelversion says 7.9.9" in archive.run().stderr
