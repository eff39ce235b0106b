"""Small ELF files for tests, written and read by code that shares nothing with the layer tool's."""

import struct
from typing import NamedTuple

PAGE = 0x1000
ALLOC = 2


class Section(NamedTuple):
    """A section to write, or one that was read."""

    name: str
    kind: int = 1  # SHT_PROGBITS
    flags: int = 0
    content: bytes = b""
    link: str = ""
    entry: int = 0
    address: int = 0


class Segment(NamedTuple):
    """A PT_LOAD segment that was read: where the loader puts which bytes."""

    address: int
    offset: int
    align: int
    content: bytes


class ElfFile(NamedTuple):
    """What a loader and a debugger see of a file."""

    segments: list[Segment]
    sections: dict[str, Section]
    # Name of the section that each dynamic symbol lies in; "" for undefined ones.
    symbol_sections: list[str]


def symbols(*sections: int) -> bytes:
    """A symbol table with one symbol for each section number; its first entry is the empty one."""
    return b"".join(struct.pack("<IBBHQQ", 0, 0, 0, number, 0, 0) for number in (0, *sections))


def write_elf(mapped: list[list[Section]], others: list[Section], appended: list[Section]) -> bytes:
    """Writes a shared library.

    Args:
        mapped: sections of each PT_LOAD segment at the file's start.
        others: sections behind them that no segment holds.
        appended: sections of a further segment behind those, as patchelf makes one.
    """
    groups = [*mapped, others, *([appended] if appended else [])]
    count = len(mapped) + bool(appended)
    order = [section for group in groups for section in group]
    names = b"\0" + b"".join(section.name.encode() + b"\0" for section in order) + b".shstrtab\0"
    numbers = {section.name: number for number, section in enumerate(order, 1)}
    body = bytearray(64 + 56 * count)
    headers = [bytes(64)]
    programs = []
    address_shift = 0
    for group in groups:
        in_segment = group is not others
        if in_segment and group is not mapped[0]:
            # The linker's habit: the next page of memory, at an offset congruent to it.
            body.extend(bytes(-len(body) % 16))
            address_shift += PAGE
            if group is appended:
                body.extend(bytes(-len(body) % PAGE))
        start = 0 if in_segment and group is mapped[0] else len(body)
        for section in group:
            body.extend(bytes(-len(body) % 8))
            address = len(body) + address_shift if in_segment else 0
            headers.append(
                struct.pack(
                    "<IIQQQQIIQQ",
                    names.index(section.name.encode() + b"\0"),
                    section.kind,
                    section.flags | (ALLOC if in_segment else 0),
                    address,
                    len(body),
                    len(section.content),
                    numbers.get(section.link, 0),
                    0,
                    8,
                    section.entry,
                )
            )
            body.extend(section.content)
        if in_segment:
            size = len(body) - start
            at = start + address_shift
            programs.append(struct.pack("<IIQQQQQQ", 1, 5, start, at, at, size, size, PAGE))
    offset = len(body)
    body.extend(names)
    headers.append(
        struct.pack(
            "<IIQQQQIIQQ", names.index(b".shstrtab"), 3, 0, 0, offset, len(names), 0, 0, 1, 0
        )
    )
    body.extend(bytes(-len(body) % 8))
    table = len(body)
    body.extend(b"".join(headers))
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    body[:64] = struct.pack(
        "<16sHHIQQQIHHHHHH",
        *(ident, 3, 62, 1, 0, 64, table, 0, 64, 56, count, 64, len(headers), len(headers) - 1),
    )
    body[64 : 64 + 56 * count] = b"".join(programs)
    return bytes(body)


def read_elf(data: bytes) -> ElfFile:
    """Reads a file as its loader (segments) and its tools (sections) do."""
    _, kind, *_, phoff, shoff = struct.unpack_from("<16sHHIQQQ", data)
    assert kind == 3
    phentsize, phnum, shentsize, shnum, shstrndx = struct.unpack_from("<HHHHH", data, 54)
    segments = []
    for index in range(phnum):
        _, _, offset, address, _, size, _, align = struct.unpack_from(
            "<IIQQQQQQ", data, phoff + index * phentsize
        )
        assert offset + size <= len(data)
        segments.append(Segment(address, offset, align, data[offset : offset + size]))
    rows = [
        struct.unpack_from("<IIQQQQIIQQ", data, shoff + index * shentsize) for index in range(shnum)
    ]
    strings = data[rows[shstrndx][4] :][: rows[shstrndx][5]]
    names = [strings[row[0] : strings.index(b"\0", row[0])].decode() for row in rows]
    sections = {
        name: Section(name, row[1], row[2], data[row[4] : row[4] + row[5]], names[row[6]], row[9])
        for name, row in zip(names, rows, strict=True)
        if name
    }
    addresses = {name: row[3] for name, row in zip(names, rows, strict=True) if name}
    sections = {name: each._replace(address=addresses[name]) for name, each in sections.items()}
    table = sections.get(".dynsym", Section("")).content
    numbers = [struct.unpack_from("<H", table, at + 6)[0] for at in range(0, len(table), 24)]
    return ElfFile(segments, sections, [names[number] for number in numbers])
