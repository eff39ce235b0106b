"""install.py and wheels that are out to do harm, or broken: one line, and nothing left behind."""

import stat
import sys
import zipfile
from pathlib import Path

import pytest

from tests import small_disk
from tests.uv.index import Index, make_wheel
from tests.uv.installer import Installer

UNSAFE = "pkg 1.0: the wheel is unsafe: "
DAMAGED = "pkg 1.0: the wheel is damaged"


# Where entries lie.


@pytest.mark.parametrize(
    "entry", ["/absolute/entry.py", "../../../../climbs.py", "pkg/../../climbs.py"]
)
def test_entry_outside_of_the_environment(install: Installer, index: Index, entry: str) -> None:
    make_wheel(index.folder, "pkg", "1.0", {"pkg.py": "", entry: "x"})
    for _ in range(2):  # the second time from uv's cache, if it kept the wheel
        line = install("pkg").failed()
        assert line == f"{UNSAFE}its entry {entry!r} lies outside of the environment."
    assert not Path("/absolute").exists()


@pytest.mark.parametrize("place", ["data/bin/python3", "scripts/python"])
def test_a_script_that_would_be_the_interpreter(
    install: Installer, index: Index, place: str
) -> None:
    make_wheel(index.folder, "pkg", "1.0", {"pkg.py": "", f"pkg-1.0.data/{place}": "#!python\n"})
    assert install("pkg").failed().startswith(f"{UNSAFE}one of its scripts would replace the")


def test_a_console_script_outside_of_the_environment(install: Installer, index: Index) -> None:
    points = "[console_scripts]\n../../climbs = pkg:main\n"
    make_wheel(
        index.folder, "pkg", "1.0", {"pkg.py": "", "pkg-1.0.dist-info/entry_points.txt": points}
    )
    assert install("pkg").failed().endswith("or lie outside of the environment.")


# What entries are: uv makes a plain file of everything, with the entry's content.


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (stat.S_IFLNK | 0o777, "/etc/passwd"),
        (stat.S_IFLNK | 0o777, "../../../../../../etc/passwd"),
        (stat.S_IFCHR | 0o666, ""),
        (stat.S_IFBLK | 0o666, ""),
        (stat.S_IFIFO | 0o666, ""),
        (stat.S_IFREG | 0o4755, "#!/bin/sh\n"),
    ],
    ids=["link", "climbing-link", "character-device", "block-device", "fifo", "setuid"],
)
def test_links_devices_and_setuid_files_are_plain_files(
    install: Installer, index: Index, kind: int, content: str
) -> None:
    make_wheel(index.folder, "pkg", "1.0", {"pkg/odd": content}, modes={"pkg/odd": kind})
    result = install("pkg")
    assert result.code == 0, result.stderr
    found = result.folder / "site-packages/pkg/odd"
    assert stat.S_ISREG(found.lstat().st_mode)
    assert not found.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID | 0o022)
    assert found.read_text() == content


def test_a_file_behind_a_link(install: Installer, index: Index) -> None:
    files = {"pkg/__init__.py": "", "pkg/link": "/tmp", "pkg/link/climbs.py": ""}  # noqa: S108
    make_wheel(index.folder, "pkg", "1.0", files, modes={"pkg/link": stat.S_IFLNK | 0o777})
    assert install("pkg").failed() == f"{DAMAGED} or is not a valid wheel."
    assert not Path("/tmp/climbs.py").exists()  # noqa: S108


# Names.


def test_names_that_differ_in_case(install: Installer, index: Index) -> None:
    make_wheel(index.folder, "pkg", "1.0", {"pkg/Shop.py": "a = 1", "pkg/shop.py": "a = 2"})
    for _ in range(2):
        line = install("pkg").failed()
        assert line.startswith(f"{UNSAFE}lib/python3.13/site-packages/pkg/Shop.py and lib/")
        assert "pkg/shop.py are the same file where case does not count." in line


def test_two_entries_of_one_name(install: Installer, index: Index) -> None:
    wheel = make_wheel(index.folder, "pkg", "1.0", {"pkg/a.py": "a = 1", "pkg/b.py": "a = 2"})
    wheel.write_bytes(wheel.read_bytes().replace(b"pkg/b.py", b"pkg/a.py"))
    line = install("pkg").failed()
    assert line == f"{DAMAGED}: it has two entries of one name with different contents."


def test_a_name_that_is_not_utf8(install: Installer, index: Index) -> None:
    wheel = make_wheel(index.folder, "pkg", "1.0", {"pkg/name.txt": ""})
    wheel.write_bytes(wheel.read_bytes().replace(b"pkg/name.txt", b"pkg/\xff\xfeme.txt"))
    assert install("pkg").failed() == f"{DAMAGED}: it has an entry whose name is not UTF-8."


@pytest.mark.parametrize("name", ["x" * 256, "/".join(["y" * 200] * 25)])
def test_a_name_that_is_too_long(install: Installer, index: Index, name: str) -> None:
    make_wheel(index.folder, "pkg", "1.0", {f"pkg/{name}": ""})
    line = install("pkg").failed()
    assert line == "pkg 1.0: the wheel has an entry whose name is too long for a file's."


def test_entry_with_a_control_character(install: Installer, index: Index) -> None:
    make_wheel(index.folder, "pkg", "1.0", {"pkg/tab\there.py": ""})
    assert (
        install("pkg").failed() == "pkg 1.0: the wheel has an entry whose name uv does not accept."
    )


# RECORD and other metadata.


def test_a_record_that_lies_about_a_file(install: Installer, index: Index) -> None:
    record = f"pkg.py,sha256={'A' * 43},5\npkg-1.0.dist-info/RECORD,,\n"
    make_wheel(index.folder, "pkg", "1.0", {"pkg.py": "x = 1", "pkg-1.0.dist-info/RECORD": record})
    for _ in range(2):
        line = install("pkg").failed()
        assert line.startswith(f"{DAMAGED}: pkg.py has other content than its RECORD says.")


@pytest.mark.parametrize("padding", ["", "="])
def test_a_record_that_is_right(install: Installer, index: Index, padding: str) -> None:
    # printf 'x = 1' | openssl dgst -sha256 -binary | basenc --base64url
    digest = "sha256=j_Q23vFFEoVZmhsa1wgASTuNyv3ikS4aODRWMwVOTCY" + padding
    record = f"pkg.py,{digest},5\npkg-1.0.dist-info/RECORD,,\n"
    make_wheel(index.folder, "pkg", "1.0", {"pkg.py": "x = 1", "pkg-1.0.dist-info/RECORD": record})
    result = install("pkg")
    assert result.code == 0, result.stderr


def test_a_record_with_a_hash_of_no_kind(install: Installer, index: Index) -> None:
    make_wheel(
        index.folder, "pkg", "1.0", {"pkg.py": "", "pkg-1.0.dist-info/RECORD": "pkg.py,x=y,0\n"}
    )
    assert install("pkg").failed() == f"{DAMAGED}: its RECORD has a hash 'x=y'."


def test_a_record_that_names_other_files_is_not_believed(install: Installer, index: Index) -> None:
    """It names what isn't in the wheel, and leaves out what is."""
    record = "pkg/ghost.py,sha256=AAAA,4\n../../../../../etc/passwd,,\n/etc/shadow,,\n"
    make_wheel(
        index.folder, "pkg", "1.0", {"pkg/a.py": "a = 1", "pkg-1.0.dist-info/RECORD": record}
    )
    result = install("pkg")
    assert result.code == 0, result.stderr
    written = (result.folder / "site-packages/pkg-1.0.dist-info/RECORD").read_text()
    assert {line.split(",")[0] for line in written.splitlines()} == {
        "pkg/a.py",
        *(f"pkg-1.0.dist-info/{name}" for name in ("METADATA", "RECORD", "WHEEL")),
    }


def test_a_record_that_is_none(install: Installer, index: Index) -> None:
    files = {"pkg.py": "", "pkg-1.0.dist-info/RECORD": '"open,\n\0,,,,\n'}
    make_wheel(index.folder, "pkg", "1.0", files)
    assert install("pkg").failed() == f"{DAMAGED} or is not a valid wheel."


def test_metadata_of_two_distributions(install: Installer, index: Index) -> None:
    other = {f"other-2.0.dist-info/{name}": "" for name in ("METADATA", "RECORD", "WHEEL")}
    make_wheel(index.folder, "pkg", "1.0", {"pkg.py": "", **other})
    assert install("pkg").failed() == f"{DAMAGED} or is not a valid wheel."


# Sizes.


@pytest.mark.parametrize("files", [1, 40])
def test_a_zip_bomb(install: Installer, index: Index, files: int) -> None:
    zeros = bytes(80_000_000 // files)
    bomb = {f"pkg/{number}": zeros for number in range(files)}
    wheel = make_wheel(index.folder, "pkg", "1.0", bomb, compression=zipfile.ZIP_DEFLATED)
    assert wheel.stat().st_size < 100_000
    for _ in range(2):
        line = install("pkg", options=("--most-bytes=4000000",)).failed()
        assert line == f"{UNSAFE}it unpacks to more than 4,000,000 bytes, as a zip bomb does."
    left = sum(path.stat().st_size for path in (install.tmp_path / "cache").rglob("*"))
    assert left < 1_000_000
    # The limit is for what is unpacked, not for the wheel: the same is installed under another.
    assert install("pkg").code == 0


def test_a_full_disk(install: Installer, index: Index) -> None:
    make_wheel(index.folder, "pkg", "1.0", {"pkg/data": bytes(20_000_000)})
    cache = install.tmp_path / "cache"
    cache.mkdir()
    small = (sys.executable, "-I", small_disk.__file__, str(cache), "4000000")
    result = install("pkg", within=small)
    if result.code == small_disk.SKIPPED:
        pytest.skip(f"NOTHING was installed, user namespaces are forbidden: {result.stderr}")
    assert result.failed() == "pkg 1.0: the disk is full. Free some space, then build again."
    assert install("pkg").code == 0


# The way from the index.


def test_damaged_wheel(install: Installer, index: Index) -> None:
    wheel = make_wheel(index.folder, "pkg", "1.0")
    wheel.write_bytes(wheel.read_bytes()[:200])
    assert install("pkg").failed() == f"{DAMAGED} or is not a valid wheel."


def test_a_download_that_is_cut_short(install: Installer, index: Index) -> None:
    make_wheel(index.folder, "pkg", "1.0")
    index.damage = lambda content: content[:-100]
    line = install("pkg").failed()
    assert line.startswith("pkg 1.0: the download was cut short. Build again;")
    index.damage = bytes
    assert install("pkg").code == 0


@pytest.mark.parametrize("at", [90, -30], ids=["content", "directory"])
def test_a_download_with_a_wrong_byte(install: Installer, index: Index, at: int) -> None:
    make_wheel(index.folder, "pkg", "1.0", {"pkg.py": "x = 1\n" * 100})

    def damage(content: bytes) -> bytes:
        changed = bytearray(content)
        changed[at] ^= 1
        return bytes(changed)

    index.damage = damage
    assert install("pkg").failed() == f"{DAMAGED} or is not a valid wheel."
    index.damage = bytes
    assert install("pkg").code == 0
