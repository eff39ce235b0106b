"""tarball.py: deterministic bytes that every reader understands, and clear refusals."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest
from layer.errors import LayerError
from layer.tarball import Entry, file_mode, write


def make(*entries: Entry, level: int = 6) -> bytes:
    output = io.BytesIO()
    write(entries, output, level=level)
    return output.getvalue()


def listing(blob: bytes) -> list[str]:
    """The tarball as an independent reader, the standard library's, sees it."""
    with tarfile.open(fileobj=io.BytesIO(blob), mode="r:gz") as tar:
        return [
            f"{member.type.decode()} {member.mode:04o} {member.uid}:{member.gid} "
            f"{member.uname}{member.gname}@{member.mtime} {member.size} {member.name}"
            + (f" -> {member.linkname}" if member.linkname else "")
            for member in tar
        ]


def test_what_a_reader_sees(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_bytes(b"#!/usr/bin/env python\n")
    blob = make(
        Entry("app/main.py", "file", 0o644, b"x = 1\n"),
        Entry("app/.venv/bin/tool", "file", 0o755, script),
        Entry("app/.venv/bin/python", "symlink", 0o777, None, "/usr/local/bin/python3.13"),
        Entry("tmp", "dir", 0o1777),
    )
    assert listing(blob) == [
        "5 0755 0:0 @0 0 app",
        "5 0755 0:0 @0 0 app/.venv",
        "5 0755 0:0 @0 0 app/.venv/bin",
        "2 0777 0:0 @0 0 app/.venv/bin/python -> /usr/local/bin/python3.13",
        "0 0755 0:0 @0 22 app/.venv/bin/tool",
        "0 0644 0:0 @0 6 app/main.py",
        "5 1777 0:0 @0 0 tmp",
    ]
    with tarfile.open(fileobj=io.BytesIO(blob)) as tar:
        content = tar.extractfile("app/main.py")
        assert content is not None
        assert content.read() == b"x = 1\n"


def test_order_of_the_entries_does_not_matter() -> None:
    entries = [Entry(f"a/{name}", "file", 0o644, name.encode()) for name in "zay"]
    assert make(*entries) == make(*reversed(entries))


def test_gzip_header_holds_no_name_and_no_time() -> None:
    # RFC 1952: magic, deflate, no flags, no time, no extra flags, Unix.
    assert make()[:10] == bytes.fromhex("1f8b0800000000000003")


def test_the_tar_stream_does_not_depend_on_the_level() -> None:
    entry = Entry("a", "file", 0o644, b"text " * 1000)
    assert gzip.decompress(make(entry, level=1)) == gzip.decompress(make(entry, level=9))


@pytest.mark.parametrize(
    "name",
    ["x" * 100, "x" * 101, "long/" * 60 + "file", "ü", "d/" + "é" * 60, "x" * 990],
)
def test_names_of_any_length_and_alphabet(name: str) -> None:
    blob = make(Entry(name, "file", 0o644, b"data"))
    assert listing(blob)[-1].endswith(f" 4 {name}")
    # Nothing but the standard's fields: the same name gives the same bytes again.
    assert blob == make(Entry(name, "file", 0o644, b"data"))


def test_long_and_foreign_link_targets() -> None:
    for target in ("t" * 150, "../ü"):
        assert listing(make(Entry("link", "symlink", 0, None, target)))[0].endswith(f"-> {target}")


def test_a_long_directory_name() -> None:
    name = "d" * 100  # with its slash it no longer fits
    assert listing(make(Entry(name, "dir", 0o755))) == [f"5 0755 0:0 @0 0 {name}"]


def test_equal_duplicates_are_one() -> None:
    blob = make(Entry("a", "file", 0o644, b"1"), Entry("a", "file", 0o644, b"1"))
    assert len(listing(blob)) == 1


@pytest.mark.parametrize(
    "other",
    [
        Entry("a", "file", 0o644, b"2", source="two.whl"),
        Entry("a", "file", 0o755, b"1", source="two.whl"),
        Entry("a", "symlink", 0o777, None, "b", source="two.whl"),
        Entry("a", "dir", 0o755, source="two.whl"),
    ],
)
def test_two_sources_for_one_path(other: Entry) -> None:
    first = Entry("a", "file", 0o644, b"1", source="one.whl")
    with pytest.raises(LayerError) as caught:
        make(other, first)
    assert str(caught.value) == "two sources for one path, /a: one.whl and two.whl; remove one"


def test_a_file_where_another_entry_needs_a_directory() -> None:
    with pytest.raises(LayerError, match=r"^/a is a file .* needs a directory there; remove one$"):
        make(Entry("a", "file", 0o644, b""), Entry("a/b/c", "file", 0o644, b""))


@pytest.mark.parametrize("path", ["", "/etc/passwd", "a/../b", "a//b", "a/", "./a", "a\0b"])
def test_paths_outside_the_root_are_refused(path: str) -> None:
    with pytest.raises(LayerError, match="isn't a path below the image's root"):
        make(Entry(path, "file", 0o644, b""))


def test_names_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(LayerError, match=r"b'a/\\xff' of here isn't UTF-8.*; rename it"):
        make(Entry("a/\udcff", "file", 0o644, b"", source="here"))


def test_the_content_decides_the_mode() -> None:
    elf = bytearray(b"\x7fELF\x02\x01".ljust(64 + 56, b"\0"))
    elf[16] = 3  # shared object
    elf[32], elf[54], elf[56] = 64, 56, 1  # one program header behind the ELF header
    assert file_mode(bytes(elf)) == 0o644
    elf[64] = 3  # PT_INTERP: it starts by itself
    assert file_mode(bytes(elf)) == 0o755
    assert file_mode(b"#!/bin/sh\n") == 0o755
    assert file_mode(b"print()\n") == 0o644
    assert file_mode(b"") == 0o644
