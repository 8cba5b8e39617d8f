"""Floating-point literals of LLVM 24's textual IR, rewritten for the LLVM 22 in llvmlite.

LLVM 24 prints `f0x…`, shortest decimals, `+inf` and `+nan(0x…)`, which older parsers refuse. Every
literal becomes the hexadecimal form that both know; no bit changes, NaN payloads included.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class _Format:
    """A binary floating-point format: bits of exponent and fraction, and its prefix in IR."""

    exponent: int
    fraction: int
    prefix: str


_FORMATS = {
    "half": _Format(5, 10, "0xH"),
    "bfloat": _Format(8, 7, "0xR"),
    "float": _Format(8, 23, "0x"),
    "double": _Format(11, 52, "0x"),
}

_DEFINITION = re.compile(
    r"^define(?P<signature>[^@\n]*@(?P<name>[\w.]+)\([^\n]*\))[^\n]*\{\n.*?^\}\n", re.M | re.S
)
"""A function with its body."""

_UNNAMED = re.compile(r" %[\w.]+(?=[,)])")
"""The names of arguments, which a declaration leaves out."""

_SHARED = re.compile(r"^(?:declare [^\n]*|attributes #\d+ = [^\n]*|![\w.]+ = [^\n]*)$", re.M)
"""What both parts of a module need: declarations, attributes and metadata."""

_QUOTED = re.compile(r'("[^"]*")')

_CANDIDATE = re.compile(r"\d\.\d|f0x|[+-](?:inf|qnan|s?nan)")
"""What only lines with a literal have, and few others."""

_TOKEN = re.compile(
    r"(?P<name>[%@$!#][-\w.$]+)"
    r"|\b(?P<type>half|bfloat|float|double)\b"
    r"|\bf0x(?P<bits>[0-9A-Fa-f]+)"
    r"|(?<![\w.-])(?P<decimal>-?\d+\.\d+(?:e[+-]?\d+)?)"
    r"|(?P<sign>[+-])(?P<special>inf|qnan|s?nan\(0x(?P<payload>[0-9A-Fa-f]+)\))"
)
"""A literal, a type, or a name, which may look like either."""


def for_llvm_22(text: str) -> str:
    """Return the IR ``text`` with each floating-point literal in hexadecimal form."""
    return "\n".join(_rewrite_line(line) for line in text.split("\n"))


def split_functions(text: str, names: Collection[str]) -> tuple[str, str]:
    """Return two modules: the functions ``names`` of the IR ``text``, and the others.

    Each declares what the other one defines; linked, they are the module that they come from.
    Definitions of other kinds than functions stay with ``names``.
    """
    parts: tuple[list[str], list[str]] = ([], [])
    position = 0
    for definition in _DEFINITION.finditer(text):
        parts[0].append(text[position : definition.start()])
        position = definition.end()
        own, other = parts if definition["name"] in names else parts[::-1]
        own.append(definition[0])
        other.append(_UNNAMED.sub("", f"declare{definition['signature']}\n"))
    parts[0].append(text[position:])
    shared = _SHARED.findall(text)
    return "".join(parts[0]), "\n".join([*parts[1], *shared])


def _rewrite_line(line: str) -> str:
    if not _CANDIDATE.search(line):
        return line
    current: str | None = None

    def rewrite(match: re.Match[str]) -> str:
        nonlocal current
        if match["type"]:
            current = match["type"]
            return match[0]
        if match["name"] or current is None:
            return match[0]
        return literal(current, _bits(current, match))

    # Quoted text stands at the odd places.
    pieces = _QUOTED.split(line)
    pieces[::2] = [_TOKEN.sub(rewrite, piece) for piece in pieces[::2]]
    return "".join(pieces)


def _bits(name: str, match: re.Match[str]) -> int:
    """Return the bit pattern that a literal of type ``name`` stands for."""
    if match["bits"]:
        return int(match["bits"], 16)
    if match["decimal"]:
        return _round(name, float(match["decimal"]))
    form = _FORMATS[name]
    bits = ((1 << form.exponent) - 1) << form.fraction
    if match["sign"] == "-":
        bits |= 1 << (form.exponent + form.fraction)
    quiet = 1 << (form.fraction - 1)
    if match["special"] == "qnan":
        return bits | quiet
    if match["payload"]:
        signalling = match["special"].startswith("s")
        return bits | int(match["payload"], 16) | (0 if signalling else quiet)
    return bits


def _round(name: str, value: float) -> int:
    """Return the bits of ``value`` rounded to the type ``name``, to nearest, ties to even."""
    if name == "double":
        return int(np.float64(value).view(np.uint64))
    if name == "half":
        return int(np.float16(value).view(np.uint16))
    bits = int(np.float32(value).view(np.uint32))
    return bits if name == "float" else (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 & 0xFFFF


def literal(name: str, bits: int) -> str:
    """Return the hexadecimal literal of ``bits`` in the type ``name``.

    A float is written as the double of the same value; of a NaN the payload is kept by hand, since
    hardware makes a signalling one quiet.
    """
    form = _FORMATS[name]
    if name != "float":
        return f"{form.prefix}{bits:0{(1 + form.exponent + form.fraction) // 4}X}"
    if bits >> 23 & 0xFF == 0xFF:
        wide = (bits >> 31) << 63 | 0x7FF << 52 | (bits & 0x7FFFFF) << 29
    else:
        (value,) = struct.unpack("<f", struct.pack("<I", bits))
        (wide,) = struct.unpack("<Q", struct.pack("<d", value))
    return f"0x{wide:016X}"
