"""Wheels that are out to do harm, or broken: one sentence, or a plain file."""

import resource
import stat
import struct
import sys
import zipfile
from pathlib import Path

import pytest
from wheels import set as sets
from wheels.errors import WheelError
from wheels.wheel import Wheel, read

from tests import small_disk
from tests.uv.index import make_wheel
from tests.uv.wheels.tool import failed, run

SITE = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
UNSAFE = "pkg 1.0: the wheel is unsafe: "
DAMAGED = "pkg 1.0: the wheel is damaged"
NOT_VALID = f"{DAMAGED} or is not a valid wheel "
# One that names nothing, for archives that are changed behind its back.
RECORD = {"pkg-1.0.dist-info/RECORD": "nothing,,\n"}
SCRIPT = (
    f"{UNSAFE}one of its scripts would replace the interpreter, or lie outside of the environment."
)


def taken(wheel: Path) -> Wheel:
    return read(str(wheel), "pkg 1.0")


def refused(wheel: Path, most_bytes: int = 1 << 30) -> str:
    with pytest.raises(WheelError) as caught:
        read(str(wheel), "pkg 1.0", most_bytes)
    (line,) = str(caught.value).splitlines()
    return line


def patched(wheel: Path, old: bytes, new: bytes) -> Path:
    content = wheel.read_bytes()
    assert old in content
    wheel.write_bytes(content.replace(old, new))
    return wheel


# Where entries lie.


@pytest.mark.parametrize(
    "entry",
    [
        "/absolute/entry.py",
        "../../../../climbs.py",
        "pkg/../../climbs.py",
        "pkg-1.0.data/data/../climbs.py",
        "pkg-1.0.data/scripts/../python",
        "pkg-1.0.dist-info/../climbs.py",
    ],
)
def test_entry_outside_of_the_environment(folder: Path, entry: str) -> None:
    wheel = make_wheel(folder, "pkg", "1.0", {"pkg.py": "", entry: "x"})
    assert refused(wheel) == f"{UNSAFE}its entry {entry!r} lies outside of the environment."


@pytest.mark.parametrize(
    "place",
    [
        "data/bin/python3",
        "data/bin/python3.13",
        "data/bin/activate.fish",
        "data/pyvenv.cfg",
        "data/lib64/x",
        "scripts/python",
        "scripts/sub/run",
    ],
)
def test_a_script_that_would_be_the_interpreter(folder: Path, place: str) -> None:
    files = {"pkg.py": "", f"pkg-1.0.data/{place}": "#!python\n"}
    assert refused(make_wheel(folder, "pkg", "1.0", files)) == SCRIPT


@pytest.mark.parametrize("name", ["../../climbs", "python", "..", "sub/run"])
def test_a_console_script_outside_of_the_environment(folder: Path, name: str) -> None:
    points = f"[console_scripts]\n{name} = pkg:main\n"
    files = {"pkg.py": "", "pkg-1.0.dist-info/entry_points.txt": points}
    wheel = make_wheel(folder, "pkg", "1.0", files)
    assert refused(wheel) == SCRIPT
    with pytest.raises(WheelError) as caught:
        sets.contents(str(wheel), "pkg 1.0")
    assert str(caught.value) == SCRIPT


# What entries are: a plain file, with the entry's content.


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
    folder: Path, tmp_path: Path, kind: int, content: str
) -> None:
    modes = {"pkg/odd": kind}
    wheel = make_wheel(folder, "pkg", "1.0", {"pkg/odd": content}, modes=modes)
    assert taken(wheel).files[f"{SITE}/pkg/odd"] == content.encode()
    tree = tmp_path / "tree"
    done = run("environment", tree, "pkg 1.0", wheel)
    assert done.returncode == 0, done.stderr
    found = tree / SITE / "pkg/odd"
    assert stat.S_ISREG(found.lstat().st_mode)
    assert not found.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID | 0o022)
    assert found.read_text() == content


def test_a_file_behind_a_link(folder: Path) -> None:
    files = {"pkg/__init__.py": "", "pkg/link": "/tmp", "pkg/link/climbs.py": ""}  # noqa: S108
    modes = {"pkg/link": stat.S_IFLNK | 0o777}
    wheel = make_wheel(folder, "pkg", "1.0", files, modes=modes)
    assert refused(wheel) == f"{NOT_VALID}({SITE}/pkg/link is a file and a folder)."


# Names.


def test_names_that_differ_in_case(folder: Path) -> None:
    wheel = make_wheel(folder, "pkg", "1.0", {"pkg/Shop.py": "a = 1", "pkg/shop.py": "a = 2"})
    assert refused(wheel) == (
        f"{UNSAFE}{SITE}/pkg/Shop.py and {SITE}/pkg/shop.py are the same file where case does not "
        "count. Take another version."
    )


def test_two_entries_of_one_name(folder: Path) -> None:
    wheel = make_wheel(folder, "pkg", "1.0", {"pkg/a.py": "a = 1", "pkg/b.py": "a = 2"})
    patched(wheel, b"pkg/b.py", b"pkg/a.py")
    assert refused(wheel) == f"{DAMAGED}: it has two entries of one name with different contents."


def test_two_entries_of_one_name_and_content_are_one(folder: Path) -> None:
    wheel = make_wheel(folder, "pkg", "1.0", {"pkg/a.py": "a = 1", "pkg/b.py": "a = 1", **RECORD})
    files = taken(patched(wheel, b"pkg/b.py", b"pkg/a.py")).files
    assert files[f"{SITE}/pkg/a.py"] == b"a = 1"


def test_a_name_that_is_not_utf8(folder: Path) -> None:
    wheel = make_wheel(folder, "pkg", "1.0", {"pkg/name.txt": ""})
    patched(wheel, b"pkg/name.txt", b"pkg/\xff\xfeme.txt")
    assert refused(wheel) == f"{DAMAGED}: it has an entry whose name is not UTF-8."


def test_a_name_in_utf8_whose_flag_is_not_set(folder: Path) -> None:
    wheel = make_wheel(folder, "pkg", "1.0", {"pkg/name.txt": "x", **RECORD})
    files = taken(patched(wheel, b"pkg/name.txt", "pkg/ü→txt".encode())).files
    assert files[f"{SITE}/pkg/ü→txt"] == b"x"


@pytest.mark.parametrize("name", ["x" * 256, "/".join(["y" * 200] * 25)])
def test_a_name_that_is_too_long(folder: Path, name: str) -> None:
    wheel = make_wheel(folder, "pkg", "1.0", {f"pkg/{name}": ""})
    assert refused(wheel) == "pkg 1.0: the wheel has an entry whose name is too long for a file's."


@pytest.mark.parametrize("name", ["tab\there.py", "back\\slash", "twice//x", "./x", "new\nline"])
def test_a_name_that_no_file_can_have(folder: Path, name: str) -> None:
    wheel = make_wheel(folder, "pkg", "1.0", {f"pkg/{name}": "", **RECORD})
    line = f"pkg 1.0: the wheel has an entry whose name no file can have: {f'pkg/{name}'!r}."
    assert refused(wheel) == line


def test_a_name_with_a_null_byte(folder: Path) -> None:
    wheel = make_wheel(folder, "pkg", "1.0", {"pkg/a.py.txt": "", **RECORD})
    patched(wheel, b"pkg/a.py.txt", b"pkg/a.py\0txt")
    assert refused(wheel).startswith("pkg 1.0: the wheel has an entry whose name no file can have")


# RECORD and other metadata.


def test_a_record_that_disagrees_is_told_and_built(folder: Path) -> None:
    """As uv does: the lock pins the bytes of the wheel."""
    record = f"pkg.py,sha256={'A' * 43},5\nother.py,,9\npkg-1.0.dist-info/RECORD,,\n"
    files = {"pkg.py": "x = 1", "other.py": "", "pkg-1.0.dist-info/RECORD": record}
    wheel = taken(make_wheel(folder, "pkg", "1.0", files))
    assert wheel.files[f"{SITE}/pkg.py"] == b"x = 1"
    assert wheel.notes == [
        "pkg 1.0: pkg.py has other content than the wheel's RECORD says; the lock pins the wheel "
        "as it is, and the image's RECORD is true."
    ]


@pytest.mark.parametrize("row", ["pkg.py,x=y,0", "pkg.py,sha256,0", "pkg.py,,many"])
def test_a_record_with_a_hash_of_no_kind(folder: Path, row: str) -> None:
    files = {"pkg.py": "", "pkg-1.0.dist-info/RECORD": f"{row}\n"}
    (note,) = taken(make_wheel(folder, "pkg", "1.0", files)).notes
    assert note.startswith("pkg 1.0: pkg.py has other content than the wheel's RECORD says;")


@pytest.mark.parametrize("padding", ["", "="])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_a_record_that_is_right(folder: Path, padding: str, end: str) -> None:
    # printf 'x = 1' | openssl dgst -sha256 -binary | basenc --base64url
    digest = "sha256=j_Q23vFFEoVZmhsa1wgASTuNyv3ikS4aODRWMwVOTCY" + padding
    record = f"pkg.py,{digest},5{end}pkg-1.0.dist-info/RECORD,,{end}"
    files = {"pkg.py": "x = 1", "pkg-1.0.dist-info/RECORD": record}
    assert taken(make_wheel(folder, "pkg", "1.0", files)).notes == []


def test_a_record_that_names_other_files_is_not_believed(folder: Path) -> None:
    """It names what isn't in the wheel, and leaves out what is."""
    record = "pkg/ghost.py,sha256=AAAA,4\n../../../../../etc/passwd,,\n/etc/shadow,,\n"
    files = {"pkg/a.py": "a = 1", "pkg-1.0.dist-info/RECORD": record}
    wheel = taken(make_wheel(folder, "pkg", "1.0", files))
    assert sorted(wheel.files) == [
        f"{SITE}/pkg-1.0.dist-info/METADATA",
        f"{SITE}/pkg-1.0.dist-info/WHEEL",
        f"{SITE}/pkg/a.py",
    ]
    assert wheel.notes == []


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (b'"open,\n\0,,,,\n', "its RECORD can't be read: "),
        (b"pkg.py\n", "its RECORD can't be read: not every line has three columns"),
        (b"\xff\xfe,,\n", "its RECORD is not UTF-8"),
    ],
)
def test_a_record_that_is_none(folder: Path, record: bytes, said: str) -> None:
    files = {"pkg.py": b"", "pkg-1.0.dist-info/RECORD": record}
    assert refused(make_wheel(folder, "pkg", "1.0", files)).startswith(f"{NOT_VALID}({said}")


@pytest.mark.parametrize("name", ["METADATA", "RECORD", "WHEEL"])
def test_metadata_that_is_missing(folder: Path, name: str) -> None:
    wheel = make_wheel(folder, "pkg", "1.0", {"pkg.py": "", **RECORD})
    patched(wheel, f".dist-info/{name}".encode(), f".dist-info/{'X' * len(name)}".encode())
    assert refused(wheel) == f"{NOT_VALID}(it has no {name})."


def test_metadata_of_two_distributions(folder: Path) -> None:
    other = {f"other-2.0.dist-info/{name}": "" for name in ("METADATA", "RECORD", "WHEEL")}
    wheel = make_wheel(folder, "pkg", "1.0", {"pkg.py": "", **other})
    assert refused(wheel).startswith(
        f"{NOT_VALID}(Wheel doesn't contain exactly one .dist-info directory"
    )


def test_metadata_of_another_distribution(folder: Path) -> None:
    wheel = make_wheel(folder, "pkg", "1.0").rename(folder / "other-1.0-py3-none-any.whl")
    assert refused(wheel).startswith(
        f"{NOT_VALID}(Wheel .dist-info directory doesn't match wheel filename"
    )


@pytest.mark.parametrize("version", ["2.0", "x"])
def test_a_format_of_the_future(folder: Path, version: str) -> None:
    made = make_wheel(folder, "pkg", "1.0")
    with zipfile.ZipFile(made) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    contents["pkg-1.0.dist-info/WHEEL"] = f"Wheel-Version: {version}\n".encode()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    assert refused(made).startswith(f"{NOT_VALID}(Incompatible Wheel-Version {version}")


@pytest.mark.parametrize("scheme", ["nowhere", "purelib2"])
def test_a_place_of_no_kind(folder: Path, scheme: str) -> None:
    wheel = make_wheel(folder, "pkg", "1.0", {"pkg.py": "", f"pkg-1.0.data/{scheme}/x": ""})
    assert refused(wheel).startswith(NOT_VALID)


@pytest.mark.parametrize("reference", ["shop", "shop:", "shop.cli:main()", "os; x:y"])
def test_an_entry_point_of_another_form(folder: Path, reference: str) -> None:
    points = f"[console_scripts]\nshop = {reference}\n"
    files = {"pkg.py": "", "pkg-1.0.dist-info/entry_points.txt": points}
    assert refused(make_wheel(folder, "pkg", "1.0", files)) == (
        f"pkg 1.0: the console script shop = {reference} isn't of the form name = module:object"
    )


# Sizes. What is declared bounds it, and no more is read than is declared.


@pytest.mark.parametrize("files", [1, 40])
def test_a_zip_bomb(folder: Path, files: int) -> None:
    bomb = {f"pkg/{number}": bytes(80_000_000 // files) for number in range(files)}
    wheel = make_wheel(folder, "pkg", "1.0", bomb, compression=zipfile.ZIP_DEFLATED)
    assert wheel.stat().st_size < 100_000
    line = f"{UNSAFE}it unpacks to more than 4,000,000 bytes, as a zip bomb does."
    assert refused(wheel, 4_000_000) == line
    # The limit is for what is unpacked, not for the wheel: the same is taken under another.
    assert len(taken(wheel).files) == files + 2


def declare(wheel: Path, name: str, size: int) -> Path:
    """Write another size into both of the entry's headers."""
    content = bytearray(wheel.read_bytes())
    with zipfile.ZipFile(wheel) as archive:
        local = archive.getinfo(name).header_offset
    struct.pack_into("<I", content, local + 22, size)
    at = content.index(b"PK\1\2")
    while content[at + 46 : at + 46 + len(name)] != name.encode():
        at = content.index(b"PK\1\2", at + 4)
    struct.pack_into("<I", content, at + 24, size)
    wheel.write_bytes(content)
    return wheel


@pytest.mark.parametrize("name", ["pkg/big", "pkg-1.0.dist-info/METADATA"])
def test_an_entry_that_is_larger_than_it_says(folder: Path, name: str) -> None:
    """Neither the layer nor the set inflates more than the wheel owns up to."""
    large, metadata = (bytes(1 << 28), "") if name == "pkg/big" else (b"", "x" * (1 << 28))
    wheel = make_wheel(
        folder,
        "pkg",
        "1.0",
        {"pkg/big": large},
        metadata=metadata,
        compression=zipfile.ZIP_DEFLATED,
    )
    declare(wheel, name, 1000)
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 26), before[1]))
    try:
        line = refused(wheel)
        if name != "pkg/big":
            with pytest.raises(WheelError) as caught:
                sets.contents(str(wheel), "pkg 1.0")
            assert str(caught.value) == line
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert line == f"{NOT_VALID}(Bad CRC-32 for file {name!r})."


def test_an_entry_that_is_smaller_than_it_says(folder: Path) -> None:
    wheel = make_wheel(
        folder, "pkg", "1.0", {"pkg/a": b"abc" * 100}, compression=zipfile.ZIP_DEFLATED
    )
    assert refused(declare(wheel, "pkg/a", 1000)) == (
        f"{NOT_VALID}(pkg/a is shorter than the wheel says)."
    )


def test_entries_that_overlap(folder: Path) -> None:
    """A better zip bomb has one kernel, which each of its entries quotes."""
    wheel = make_wheel(folder, "pkg", "1.0", {"pkg/a": b"1" * 100, "pkg/b": b"1" * 100})
    with zipfile.ZipFile(wheel) as archive:
        offsets = [archive.getinfo(f"pkg/{name}").header_offset for name in "ab"]
    content = wheel.read_bytes()
    at = content.rindex(b"pkg/b") - 4
    assert content[at : at + 4] == struct.pack("<I", offsets[1])
    wheel.write_bytes(content[:at] + struct.pack("<I", offsets[0]) + content[at + 4 :])
    assert refused(wheel) == f"{UNSAFE}its entries overlap, as a zip bomb's do."


def test_an_archive_in_a_wheel_is_a_file(folder: Path, tmp_path: Path) -> None:
    inner = make_wheel(
        tmp_path, "inner", "1.0", {"x": bytes(9_000_000)}, compression=zipfile.ZIP_DEFLATED
    ).read_bytes()
    wheel = make_wheel(folder, "pkg", "1.0", {"pkg/inner.zip": inner})
    assert taken(wheel).files[f"{SITE}/pkg/inner.zip"] == inner


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_that_no_index_takes(folder: Path, method: int) -> None:
    """Python inflates these without a bound."""
    wheel = make_wheel(folder, "pkg", "1.0", {"pkg/a": bytes(100)}, compression=method)
    assert refused(wheel) == f"{NOT_VALID}(pkg/a is neither stored nor deflated)."


# What is no wheel.


@pytest.mark.parametrize("content", [b"", b"PK", b"<html>not found</html>", bytes(4000)])
def test_no_zip_at_all(folder: Path, content: bytes) -> None:
    wheel = folder / "pkg-1.0-py3-none-any.whl"
    wheel.write_bytes(content)
    assert refused(wheel) == f"{NOT_VALID}(File is not a zip file)."


def test_a_wheel_that_is_cut_short(folder: Path) -> None:
    wheel = make_wheel(folder, "pkg", "1.0")
    wheel.write_bytes(wheel.read_bytes()[:200])
    assert refused(wheel) == f"{NOT_VALID}(File is not a zip file)."


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_wrong_byte_in_a_file(folder: Path, compression: int) -> None:
    text = "".join(map(chr, range(32, 127))) * 3
    wheel = make_wheel(folder, "pkg", "1.0", {"pkg.py": text}, compression=compression)
    content = bytearray(wheel.read_bytes())
    content[80] ^= 1
    wheel.write_bytes(content)
    assert refused(wheel).startswith(NOT_VALID)


def test_an_encrypted_entry(folder: Path) -> None:
    wheel = make_wheel(folder, "pkg", "1.0", {"pkg.py": ""})
    content = bytearray(wheel.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    wheel.write_bytes(content)
    assert "is encrypted" in refused(wheel)


# The tool as a whole.


def test_a_refused_wheel_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    good = make_wheel(folder, "good", "1.0")
    bad = make_wheel(folder, "pkg", "1.0", {"../x": ""})
    tree = tmp_path / "tree"
    line = failed(run("environment", tree, "good 1.0", good, "pkg 1.0", bad))
    assert line.startswith(UNSAFE)
    assert not tree.exists()
    line = failed(run("member", "pkg 1.0", bad, "site-packages/pkg.py", tmp_path / "out"))
    assert line.startswith(UNSAFE)
    assert not (tmp_path / "out").exists()


def test_a_full_disk(folder: Path, tmp_path: Path) -> None:
    wheel = make_wheel(folder, "pkg", "1.0", {"pkg/data": bytes(20_000_000)})
    tree = tmp_path / "disk"
    tree.mkdir()
    small = (sys.executable, "-I", small_disk.__file__, str(tree), "4000000")
    done = run("environment", tree / "tree", "pkg 1.0", wheel, within=small)
    if done.returncode == small_disk.SKIPPED:
        pytest.skip(f"NOTHING was unpacked, user namespaces are forbidden: {done.stderr}")
    assert failed(done) == "the disk is full: free some space, then build again"
