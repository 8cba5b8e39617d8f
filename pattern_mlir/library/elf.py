"""Object files and archives of a library: ELF for 64 bits, as the System V ABI defines it."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MACHINES = {"x86_64": 62, "aarch64": 183}
"""e_machine by architecture."""

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_PROGBITS, _SYMTAB, _STRTAB = 1, 2, 3
_ALLOC = 2
_GLOBAL_OBJECT = 1 << 4 | 1
_HIDDEN = 2


@dataclass(frozen=True)
class _Section:
    header: int  # where its header stands in the file
    type: int
    offset: int
    size: int
    link: int
    info: int


def _sections(code: bytes) -> list[_Section]:
    fields = _HEADER.unpack_from(code)
    start, count = fields[6], fields[12]
    sections = []
    for header in range(start, start + count * _SECTION.size, _SECTION.size):
        _name, type_, _flags, _address, offset, size, link, info, *_ = _SECTION.unpack_from(
            code, header
        )
        sections.append(_Section(header, type_, offset, size, link, info))
    return sections


def _definitions(code: bytes) -> Iterator[tuple[int, str]]:
    """Yield where each global symbol that ``code`` defines is described, and its name."""
    sections = _sections(code)
    for table in sections:
        if table.type != _SYMTAB:
            continue
        names = sections[table.link].offset
        for index in range(table.info, table.size // _SYMBOL.size):
            place = table.offset + index * _SYMBOL.size
            name, _info, _other, section, *_ = _SYMBOL.unpack_from(code, place)
            if section != 0:
                start = names + name
                yield place, code[start : code.index(b"\0", start)].decode()


def defined_symbols(code: bytes) -> list[str]:
    """Return the global symbols that the object file ``code`` defines."""
    return [name for _, name in _definitions(code)]


def hidden(code: bytes, prefix: str) -> bytes:
    """Return the object file ``code``; names of its own begin with ``prefix``, and are hidden."""
    changed = bytearray(code)
    sections = _sections(code)
    (table,) = (section for section in sections if section.type == _SYMTAB)
    strings = sections[table.link]
    names = bytearray(code[strings.offset : strings.offset + strings.size])
    for place, name in _definitions(code):
        _, info, _, *rest = _SYMBOL.unpack_from(code, place)
        _SYMBOL.pack_into(changed, place, len(names), info, _HIDDEN, *rest)
        names += f"{prefix}{name}\0".encode()
    header = list(_SECTION.unpack_from(code, strings.header))
    header[4:6] = len(changed), len(names)
    _SECTION.pack_into(changed, strings.header, *header)
    return bytes(changed + names)


def data_object(architecture: str, symbol: str, data: bytes, alignment: int) -> bytes:
    """Return an object file with the constant ``data`` under the hidden name ``symbol``."""
    names = b"\0.rodata\0.note.GNU-stack\0.symtab\0.strtab\0" + symbol.encode() + b"\0"
    symbols = bytes(_SYMBOL.size) + _SYMBOL.pack(
        names.index(symbol.encode() + b"\0"), _GLOBAL_OBJECT, _HIDDEN, 1, 0, len(data)
    )
    start = _HEADER.size + -_HEADER.size % alignment
    symbols_at = start + len(data) + -(start + len(data)) % 8
    names_at = symbols_at + len(symbols)
    headers_at = names_at + len(names) + -(names_at + len(names)) % 8

    def section(name: bytes, type_: int, *fields: int) -> bytes:
        return _SECTION.pack(names.index(name + b"\0"), type_, *fields)

    headers = (
        bytes(_SECTION.size)
        + section(b".rodata", _PROGBITS, _ALLOC, 0, start, len(data), 0, 0, alignment, 0)
        + section(b".note.GNU-stack", _PROGBITS, 0, 0, start, 0, 0, 0, 1, 0)
        + section(b".symtab", _SYMTAB, 0, 0, symbols_at, len(symbols), 4, 1, 8, _SYMBOL.size)
        + section(b".strtab", _STRTAB, 0, 0, names_at, len(names), 0, 0, 1, 0)
    )
    identity = b"\x7fELF\2\1\1" + bytes(9)
    sizes = (_HEADER.size, 0, 0, _SECTION.size, 5, 4)
    header = _HEADER.pack(identity, 1, MACHINES[architecture], 1, 0, 0, headers_at, 0, *sizes)
    parts = ((0, header), (start, data), (symbols_at, symbols), (names_at, names))
    file = bytearray()
    for offset, part in (*parts, (headers_at, headers)):
        file += bytes(offset - len(file))
        file += part
    return bytes(file)


def archive(objects: Mapping[str, bytes]) -> bytes:
    """Return a static library of ``objects`` by name, with an index of their symbols.

    The form that System V and GNU share; names have at most 15 characters.
    """
    index = [(defined_symbols(code), len(code)) for code in objects.values()]
    names = b"".join(name.encode() + b"\0" for defined, _ in index for name in defined)
    count = sum(len(defined) for defined, _ in index)
    table_size = 4 + 4 * count + len(names)
    offset = len(_ARCHIVE) + _MEMBER_HEADER + table_size + table_size % 2
    offsets = []
    for defined, size in index:
        offsets += [offset] * len(defined)
        offset += _MEMBER_HEADER + size + size % 2
    table = struct.pack(f">{1 + count}I", count, *offsets) + names
    members = [("/", table), *((f"{name}/", code) for name, code in objects.items())]
    return _ARCHIVE + b"".join(_member(name, data) for name, data in members)


_ARCHIVE = b"!<arch>\n"
_MEMBER_HEADER = 60


def _member(name: str, data: bytes) -> bytes:
    """Return an archive's member, without time and owner."""
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{644:<8}{len(data):<10}`\n".encode()
    return header + data + b"\n" * (len(data) % 2)
