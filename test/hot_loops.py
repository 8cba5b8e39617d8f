"""Counts what the innermost loops of x86 assembly do: reads it from stdin, prints a line a loop.

A hot loop is a piece of code from a label to a jump back to it, without another label between,
that holds vector multiplications.
"""

from __future__ import annotations

import re
import sys

MULTIPLICATION = re.compile(r"\tvf(n?m)(add|sub)\d+ps\t")
VECTOR_LOAD = re.compile(r"\tv(mov[au]ps|fm\w+ps)\t[^%]*\((?!%rsp|%rbp)[^)]*\)[^,]*, %[xyz]mm")
STACK = re.compile(r"\(%rsp|\(%rbp")


def main() -> None:
    """Print function, multiplications, loads of vectors and accesses to the stack of each loop."""
    function, label, body = "", "", []
    for line in sys.stdin.read().splitlines():
        if name := re.match(r"([\w.$]+):", line):
            if not name[1].startswith("."):
                function = name[1]
            label, body = name[1], []
            continue
        body.append(line)
        jump = re.match(r"\tj\w+\t(\S+)", line)
        if not jump:
            continue
        count = sum(bool(MULTIPLICATION.search(entry)) for entry in body)
        if jump[1] == label and count:
            loads = sum(bool(VECTOR_LOAD.search(entry)) for entry in body)
            stack = sum(bool(STACK.search(entry)) for entry in body)
            print(f"{function}: {count} multiplications, {loads} loads, {stack} of the stack")
        label = ""


if __name__ == "__main__":
    main()
