"""elf.py: debug sections go, everything that the loader maps stays where it was in memory."""

import pytest
from layer.elf import strip

from tests.image.layer.elf_file import ElfFile, Section, read_elf, symbols, write_elf

DEBUG = [
    Section(".comment", content=b"GCC 14\0"),
    Section(".debug_info", content=b"i" * 9000),
    Section(".debug_str", content=b"s" * 5000),
    Section(".symtab", kind=2, content=symbols(1), link=".strtab", entry=24),
    Section(".strtab", kind=3, content=b"\0main\0"),
]
TEXT = Section(".text", content=b"\xc3" * 700)
DATA = Section(".data", content=b"d" * 100)
NOTE = Section(".note.kept", kind=7, content=b"not for debuggers only")


def memory(elf: ElfFile) -> dict[int, int]:
    """Every byte that the loader maps, by its address, but headers and symbols' section numbers."""
    headers = 64 + 56 * len(elf.segments)
    table = elf.sections.get(".dynsym", Section(""))
    numbers = {
        table.address + at + byte for at in range(6, len(table.content), 24) for byte in (0, 1)
    }
    return {
        segment.address + at: byte
        for segment in elf.segments
        for at, byte in enumerate(segment.content)
        if segment.offset + at >= headers and segment.address + at not in numbers
    }


def check(before: bytes, after: bytes) -> ElfFile:
    """Holds what must be true of every stripped file; returns it, read."""
    old, new = read_elf(before), read_elf(after)
    assert memory(new) == memory(old)
    for segment in new.segments:
        assert segment.offset % segment.align == segment.address % segment.align
    for name, section in new.sections.items():
        if name != ".shstrtab":
            assert section.content == old.sections[name].content or name == ".dynsym"
            assert (section.link, section.address) == (
                old.sections[name].link,
                old.sections[name].address,
            )
    assert new.symbol_sections == old.symbol_sections
    return new


def test_debug_sections_and_the_symbol_table_go() -> None:
    before = write_elf([[TEXT], [DATA]], [*DEBUG, NOTE], [])
    after = strip(before)
    assert sorted(check(before, after).sections) == [".data", ".note.kept", ".shstrtab", ".text"]
    assert len(before) - len(after) > 14000


@pytest.mark.parametrize("padding", [0, 3000, 4090])
def test_segments_appended_by_patchelf_move_down_by_whole_pages(padding: int) -> None:
    appended = [
        Section(".dynstr", kind=3, content=b"\0name\0"),
        # Symbols in .text (1), .data (2) and .dynstr, whose number falls when the others go.
        Section(".dynsym", kind=11, content=symbols(1, 2, 8), link=".dynstr", entry=24),
    ]
    debug = [*DEBUG[:-1], Section(".strtab", kind=3, content=bytes(padding))]
    before = write_elf([[TEXT], [DATA]], debug, appended)
    assert read_elf(before).symbol_sections == ["", ".text", ".data", ".dynstr"]
    after = strip(before)
    assert ".debug_info" not in check(before, after).sections
    assert len(before) - len(after) > 8000


def test_what_has_no_debug_sections_comes_back_as_it_is() -> None:
    data = write_elf([[TEXT]], [NOTE], [])
    assert strip(data) is data
    once = strip(write_elf([[TEXT]], DEBUG, []))
    assert strip(once) is once


def test_mapped_sections_stay_whatever_their_name() -> None:
    data = write_elf([[TEXT, Section(".debug_gdb_scripts", content=b"\x04x")]], [], [])
    assert strip(data) is data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x7fELF",
        b"#!/bin/sh\n",
        b"\x7fELF\x01\x01" + bytes(200),  # 32 bits
        b"\x7fELF\x02\x02" + bytes(200),  # big-endian
        write_elf([[TEXT]], DEBUG, [])[:-200],  # cut off
        b"\x7fELF\x02\x01" + b"\xff" * 300,
    ],
)
def test_other_files_come_back_as_they_are(data: bytes) -> None:
    assert strip(data) is data
