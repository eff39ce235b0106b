"""Takes debug information and symbol tables out of ELF programs and libraries.

Wheels often ship both; a running program needs neither, and they can be a third of an image. What
stays is what the loader maps (the segments), every section that isn't known to be for debuggers
only, and the build id, by which a debugger finds separate debug information. Addresses don't
change. See the System V ABI, "Object Files" (gABI 4), and elf(5).
"""

from __future__ import annotations

import itertools
import struct

_FILE_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL_SIZE = 24

_ET_EXEC, _ET_DYN = 2, 3
_PT_LOAD = 1
_SHT_SYMTAB, _SHT_STRTAB, _SHT_RELA, _SHT_NOBITS, _SHT_REL, _SHT_DYNSYM = 2, 3, 4, 8, 9, 11
_SHF_ALLOC, _SHF_INFO_LINK = 0x2, 0x40
_SHN_LORESERVE = 0xFF00

# Linkers write a few dozen; what has more is no library, and would take minutes here.
_MOST_HEADERS = 4096

# For debuggers and people only. `.gnu.build.attributes` is annobin's record of compiler flags.
_DEBUG_NAMES = (
    b".debug_",
    b".zdebug_",
    b".gdb_index",
    b".comment",
    b".gnu.build.attributes",
)


class _Segment:
    """A program header."""

    def __init__(self, fields: tuple[int, ...]) -> None:
        self.kind, self.flags, self.offset, self.address, self.physical = fields[:5]
        self.size, self.memory, self.align = fields[5:]

    def pack(self) -> bytes:
        return _SEGMENT.pack(
            self.kind,
            self.flags,
            self.offset,
            self.address,
            self.physical,
            self.size,
            self.memory,
            self.align,
        )


class _Section:
    """A section header."""

    def __init__(self, fields: tuple[int, ...]) -> None:
        self.name, self.kind, self.flags, self.address, self.offset = fields[:5]
        self.size, self.link, self.info, self.align, self.entry = fields[5:]

    @property
    def stored(self) -> int:
        """How many bytes of the file it takes."""
        return 0 if self.kind in (0, _SHT_NOBITS) else self.size

    def pack(self) -> bytes:
        return _SECTION.pack(
            self.name,
            self.kind,
            self.flags,
            self.address,
            self.offset,
            self.size,
            self.link,
            self.info,
            self.align,
            self.entry,
        )


class _Chunk:
    """A range of the file that the loader or a mapped section needs, and how far it moves down."""

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.shift = 0


def strip(data: bytes) -> bytes:
    """Returns the file without its debug sections.

    `data` itself comes back where there is nothing to take out, and where it isn't a 64-bit
    little-endian ELF program or shared library of the usual form.
    """
    try:
        return _strip(data)
    except (struct.error, LookupError, ValueError, OverflowError):
        return data  # tables that point outside the file, and other nonsense


def _strip(data: bytes) -> bytes:
    if data[:6] != b"\x7fELF\x02\x01":
        return data
    header = list(_FILE_HEADER.unpack_from(data))
    kind, phoff, shoff = header[1], header[5], header[6]
    phentsize, phnum, shentsize, shnum, shstrndx = header[9:14]
    if kind not in (_ET_EXEC, _ET_DYN) or not shnum:
        return data
    if (phentsize, shentsize) != (_SEGMENT.size, _SECTION.size) or shstrndx >= shnum:
        return data
    if phnum + shnum > _MOST_HEADERS:
        return data
    segments = [_Segment(_SEGMENT.unpack_from(data, phoff + i * phentsize)) for i in range(phnum)]
    sections = [_Section(_SECTION.unpack_from(data, shoff + i * shentsize)) for i in range(shnum)]
    names = _Names(data, sections[shstrndx])

    dropped = _dropped(sections, segments, shstrndx, names)
    if not dropped:
        return data
    kept = [index for index in range(shnum) if index not in dropped]
    position = {old: new for new, old in enumerate(kept)}
    if any(sections[index].link in dropped for index in kept):
        return data  # a section of a kind unknown here depends on what would go

    chunks = _chunks(sections, segments, header)
    if chunks[-1].end > len(data):
        return data  # what isn't in the file would have to be made up
    output = bytearray()
    for chunk in chunks:
        output.extend(bytes(chunk.start - chunk.shift - len(output)))
        output.extend(data[chunk.start : chunk.end])
    _renumber_symbols(output, sections, chunks, position)

    for segment in segments:
        segment.offset -= _shift(chunks, segment.offset)
    table = bytearray()
    for index in kept:
        section = sections[index]
        if index == shstrndx:
            content = bytes(names.table([sections[other] for other in kept]))
        else:
            content = data[section.offset : section.offset + section.stored]
        if section.flags & _SHF_ALLOC or section.kind in (0, _SHT_NOBITS):
            section.offset -= _shift(chunks, section.offset)
        else:
            padding = -len(output) % max(section.align, 1)
            if len(output) + padding + len(content) > len(data):
                return data  # it would grow
            output.extend(bytes(padding))
            section.offset, section.size = len(output), len(content)
            output.extend(content)
    for index in kept:
        section = sections[index]
        section.name = names.offset(section)
        section.link = position.get(section.link, 0)
        if section.flags & _SHF_INFO_LINK or section.kind in (_SHT_REL, _SHT_RELA):
            section.info = position.get(section.info, 0)
        table.extend(section.pack())
    output.extend(bytes(-len(output) % 8))

    header[5] = phoff - _shift(chunks, phoff)
    header[6] = len(output)
    header[12], header[13] = len(kept), position[shstrndx]
    output.extend(table)
    output[: _FILE_HEADER.size] = _FILE_HEADER.pack(*header)
    for index, segment in enumerate(segments):
        at = header[5] + index * _SEGMENT.size
        output[at : at + _SEGMENT.size] = segment.pack()
    return bytes(output) if len(output) < len(data) else data


class _Names:
    """The section names' string table, old and new."""

    def __init__(self, data: bytes, section: _Section) -> None:
        self._old = data[section.offset : section.offset + section.size]
        self._new: dict[bytes, int] = {}

    def of(self, section: _Section) -> bytes:
        return self._old[section.name : self._old.index(b"\0", section.name)]

    def table(self, sections: list[_Section]) -> bytearray:
        content = bytearray(b"\0")
        self._new[b""] = 0
        for name in map(self.of, sections):
            if name not in self._new:
                self._new[name] = len(content)
                content.extend(name + b"\0")
        return content

    def offset(self, section: _Section) -> int:
        return self._new[self.of(section)]


def _dropped(
    sections: list[_Section], segments: list[_Segment], shstrndx: int, names: _Names
) -> set[int]:
    def mapped(section: _Section) -> bool:
        return section.flags & _SHF_ALLOC != 0 or any(
            section.offset < segment.offset + segment.size
            and segment.offset < section.offset + section.stored
            for segment in segments
        )

    free = {index for index, section in enumerate(sections) if not mapped(section)}
    dropped = {
        index
        for index in free - {0, shstrndx}
        if sections[index].kind == _SHT_SYMTAB or names.of(sections[index]).startswith(_DEBUG_NAMES)
    }
    # What serves only those: a symbol table's strings, and relocations.
    strings = {sections[index].link for index in dropped if sections[index].kind == _SHT_SYMTAB}
    users = {section.link for i, section in enumerate(sections) if i not in dropped}
    dropped |= (strings - users) & free - {0, shstrndx}
    dropped |= {
        index
        for index in free
        if sections[index].kind in (_SHT_REL, _SHT_RELA) and sections[index].info in dropped
    }
    return dropped


def _chunks(sections: list[_Section], segments: list[_Segment], header: list[int]) -> list[_Chunk]:
    """Returns the ranges to keep, each as low in the file as the loader's alignment allows."""
    ranges = [(0, _FILE_HEADER.size), (header[5], header[5] + header[10] * _SEGMENT.size)]
    ranges += [(s.offset, s.offset + s.size) for s in segments if s.size]
    ranges += [
        (s.offset, s.offset + s.stored) for s in sections if s.flags & _SHF_ALLOC and s.stored
    ]
    chunks: list[_Chunk] = []
    for start, end in sorted(ranges):
        if chunks and start <= chunks[-1].end:
            chunks[-1].end = max(chunks[-1].end, end)
        else:
            chunks.append(_Chunk(start, end))
    # A segment's offset must stay congruent to its address modulo the page size (p_align). Tools
    # such as patchelf append segments behind the debug sections, so whole pages may lie between.
    page = max([s.align for s in segments if s.kind == _PT_LOAD], default=1) or 1
    for before, chunk in itertools.pairwise(chunks):
        gap = chunk.start - before.end
        chunk.shift = before.shift + gap // page * page
    return chunks


def _shift(chunks: list[_Chunk], offset: int) -> int:
    """Returns how far down the chunk at (or the last one before) an offset moves."""
    return max((chunk.shift for chunk in chunks if chunk.start <= offset), default=0)


def _renumber_symbols(
    output: bytearray, sections: list[_Section], chunks: list[_Chunk], position: dict[int, int]
) -> None:
    """Lets dynamic symbols name their sections by the new numbers."""
    if all(old == new for old, new in position.items()):
        return
    for table in sections:
        if table.kind != _SHT_DYNSYM:
            continue
        start = table.offset - _shift(chunks, table.offset)
        for at in range(start + 6, start + table.size, _SYMBOL_SIZE):
            (number,) = struct.unpack_from("<H", output, at)
            if 0 < number < _SHN_LORESERVE:
                struct.pack_into("<H", output, at, position.get(number, 0))
