"""Innermost loops of assembly, and what llvm-mca says of them; x86 and AArch64.

A hot loop is a piece of code from a label to a jump back to it, without another label between,
that holds vector multiplications. As a script, it reads assembly from standard input and prints a
line a loop.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Syntax:
    """How an architecture's assembly shows what is counted; every pattern is of a whole line."""

    multiplication: re.Pattern[str]
    load: re.Pattern[str]
    pair: re.Pattern[str]
    stack: re.Pattern[str]
    jump: re.Pattern[str]


X86 = Syntax(
    multiplication=re.compile(r"\tvf(n?m)(add|sub)\d+ps\t"),
    load=re.compile(r"\tv(mov[au]ps|fm\w+ps)\t[^%]*\((?!%rsp|%rbp\))[^)]*\)[^,]*, %[xyz]mm"),
    pair=re.compile(r"(?!)"),
    stack=re.compile(r".*\((%rsp|%rbp\))"),
    jump=re.compile(r"\tj\w+\t(\S+)"),
)
AARCH64 = Syntax(
    multiplication=re.compile(r"\tfml[as]\tv"),
    load=re.compile(r"\tld(u?r|p)\tq"),
    pair=re.compile(r"\tldp\tq"),
    stack=re.compile(r".*\[(sp|x29)\b"),
    jump=re.compile(r"\t(?:b\.\w+|cbn?z|tbn?z)\t(?:.*, )?(\S+)$"),
)


@dataclass(frozen=True)
class HotLoop:
    """An innermost loop: its function, its instructions, and what they do."""

    function: str
    body: tuple[str, ...]
    syntax: Syntax

    def _count(self, pattern: re.Pattern[str]) -> int:
        return sum(bool(pattern.match(line)) for line in self.body)

    @property
    def multiplications(self) -> int:
        """Vector multiplications."""
        return self._count(self.syntax.multiplication)

    @property
    def loads(self) -> int:
        """Loads of vectors, a pair counted as two."""
        return self._count(self.syntax.load) + self.pairs

    @property
    def pairs(self) -> int:
        """Instructions that load two vectors."""
        return self._count(self.syntax.pair)

    @property
    def stack(self) -> int:
        """Accesses to the stack: what does not fit into registers."""
        return self._count(self.syntax.stack)


def syntax_of(text: str) -> Syntax:
    """Return the syntax of an assembly ``text``."""
    return X86 if re.search(r"%[re][a-d]x\b|%rsp\b|%xmm", text) else AARCH64


def hot_loops(text: str) -> Iterator[HotLoop]:
    """Yield the hot loops of an assembly ``text``."""
    syntax = syntax_of(text)
    function, label = "", ""
    body: list[str] = []
    for line in text.splitlines():
        if name := re.match(r"([\w.$]+):", line):
            function = function if name[1].startswith(".") else name[1]
            label, body = name[1], []
        elif re.match(r"\t[a-z]", line):
            body.append(line)
            if jump := syntax.jump.match(line):
                loop = HotLoop(function, tuple(body), syntax)
                if jump[1] == label and loop.multiplications:
                    yield loop
                label = ""


def calls(text: str) -> dict[str, Counter[str]]:
    """Return the functions that each function of AArch64 assembly calls or jumps to, and how often.

    A call counts once, in a loop, too.
    """
    found: dict[str, Counter[str]] = {}
    function = ""
    for line in text.splitlines():
        if name := re.match(r"([\w$]+):", line):
            function = name[1]
        elif call := re.match(r"\tbl?\t([\w$]+)$", line):
            found.setdefault(function, Counter())[call[1]] += 1
    return found


def reached(function: str, called: Mapping[str, Counter[str]]) -> Counter[str]:
    """Return ``function`` and all that it calls, directly or not, and how often each is called."""
    found = Counter({function: 1})
    for name, times in called.get(function, Counter()).items():
        for inner, count in reached(name, called).items():
            found[inner] += times * count
    return found


def mca_tool() -> str | None:
    """Return the newest llvm-mca there is."""
    return shutil.which("llvm-mca-22") or shutil.which("llvm-mca")


ITERATIONS = 100
"""Iterations of a loop that llvm-mca simulates."""


def cycles(loops: Sequence[HotLoop], cpu: str, options: Sequence[str] = ()) -> list[float]:
    """Return the cycles that an iteration of each of ``loops`` takes by llvm-mca's model."""
    tool = mca_tool()
    assert tool is not None, "the caller asks mca_tool"
    regions = [
        "\n".join([f"// LLVM-MCA-BEGIN r{i}", *loop.body, f"// LLVM-MCA-END r{i}"])
        for i, loop in enumerate(loops)
    ]
    command = [tool, "-mtriple=aarch64", f"-mcpu={cpu}", f"-iterations={ITERATIONS}", "-json"]
    text = "\n".join(regions) + "\n"
    done = subprocess.run(
        [*command, *options], input=text, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)["CodeRegions"]
    by_name = {region["Name"]: region["SummaryView"]["TotalCycles"] for region in found}
    return [by_name[f"r{i}"] / ITERATIONS for i in range(len(loops))]


def main() -> None:
    """Print what each hot loop of the assembly on standard input holds."""
    for loop in hot_loops(sys.stdin.read()):
        counts = f"{loop.multiplications} multiplications, {loop.loads} loads"
        pairs = f" ({loop.pairs} pairs)" if loop.pairs else ""
        print(f"{loop.function}: {counts}{pairs}, {loop.stack} of the stack")


if __name__ == "__main__":
    main()
