"""MLIR's diagnostics: collected, printed with their source line, or compared with expectations."""

from __future__ import annotations

import inspect
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from pattern_mlir import dialects
from pattern_mlir.errors import did_you_mean
from pattern_mlir.pipelines import explain_failure

PRETTY_SYNTAX = re.compile(r'(?<!["\w#!.])pattern\.(\w+)')
"""An operation of the dialect outside quotes."""

INPUT = "-"
"""The name of the input in the locations that MLIR makes."""

EXPECTATION = re.compile(
    r"expected-(?P<severity>error|warning|note|remark)(?P<regex>-re)?"
    r"\s*(?:@(?P<place>[+-]\d+|above|below|unknown))?\s*\{\{(?P<message>.*?)\}\}"
)


@dataclass(frozen=True)
class Diagnostic:
    """A message about a place in the input, or in another file; line 0 is no place in the input."""

    severity: str
    message: str
    line: int = 0
    column: int = 0
    origin: str = ""
    """Where in the model the operation comes from, such as `layer1.0.conv1`."""
    elsewhere: str = ""
    """The place in another file, such as `model.py:3:5`."""

    def explained(self, module: Any) -> Diagnostic:
        """Return the diagnostic in the model's words; the failed pass left ``module``."""
        message, origin = explain_failure(self.message, module)
        return replace(self, message=message, origin=origin or self.origin)

    def text(self, file: str, lines: Sequence[str]) -> str:
        """Return the diagnostic as mlir-opt prints it, the source line marked below it."""
        origin = f"{self.origin}: " if self.origin else ""
        if not 0 < self.line <= len(lines):
            place = file if self.origin else self.elsewhere or file
            return f"{place}: {origin}{self.severity}: {self.message}"
        head = f"{file}:{self.line}:{self.column}: {origin}{self.severity}: {self.message}"
        return f"{head}\n{lines[self.line - 1]}\n{' ' * (self.column - 1)}^"


@contextmanager
def collected(context: Any) -> Iterator[list[Diagnostic]]:
    """Collect the diagnostics of ``context`` instead of raising them with the error."""
    found: list[Diagnostic] = []

    def collect(diagnostic: Any) -> bool:
        found.append(_diagnostic(diagnostic))
        # What MLIR adds by itself shows the operation, which stands in the input already.
        notes = [n for n in diagnostic.notes if not n.message.startswith("see current operation")]
        found.extend(map(_diagnostic, notes))
        return True

    context.emit_error_diagnostics = True
    handler = context.attach_diagnostic_handler(collect)
    try:
        yield found
    finally:
        handler.detach()


@contextmanager
def captured_stderr() -> Iterator[Callable[[], str]]:
    """Keep what C++ writes to standard error; the function given returns it."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield lambda: os.pread(file.fileno(), 10_000, 0).decode(errors="replace")
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def _diagnostic(diagnostic: Any) -> Diagnostic:
    location = str(diagnostic.location)
    origin = re.match(r'loc\("([^"]+)"[()]', location)
    severity = str(diagnostic.severity).rpartition(".")[2].lower()
    found = Diagnostic(severity, diagnostic.message, origin=origin[1] if origin else "")
    place = re.search(r'"([^"]*)":(\d+):(\d+)', location)
    if place and place[1] == INPUT:
        return replace(found, line=int(place[2]), column=int(place[3]))
    return replace(found, elsewhere=":".join(place.groups()) if place else "")


def explain_pretty_syntax(text: str, first_line: int = 1) -> list[Diagnostic]:
    """Return what to type instead of operations of the dialect in pretty syntax.

    MLIR itself says nothing about them: the dialect has generic assembly only.
    """
    found = []
    for number, line in enumerate(text.splitlines()[first_line - 1 :], start=first_line):
        match = PRETTY_SYNTAX.search(line.partition("//")[0])
        if match:
            message = (
                f"operations of the pattern dialect have generic assembly only: write"
                f' "pattern.{match[1]}" in quotes, operands in brackets, attributes in braces,'
                f" and the types of operands and result{_example(match[1])}"
            )
            found.append(Diagnostic("error", message, number, match.start() + 1))
    return found


def _example(name: str) -> str:
    """Return an operation's example from its docstring, on one line."""
    kinds = vars(dialects).values()
    operations = {k.OPERATION_NAME: k for k in kinds if hasattr(k, "OPERATION_NAME")}
    wanted = f"pattern.{name}"
    if wanted not in operations:
        return (
            f"; there is no operation '{wanted}'{did_you_mean(wanted, operations)}"
            " (pattern-opt --show-dialects lists all)"
        )
    example = (inspect.getdoc(operations[wanted]) or "").partition("Example:\n")[2]
    return f", as in {' '.join(example.split())}"


def print_diagnostics(found: Sequence[Diagnostic], file: str, text: str) -> None:
    """Print diagnostics to stderr, each with its source line."""
    lines = text.splitlines()
    for diagnostic in found:
        print(diagnostic.text(file, lines), file=sys.stderr)


def unmet_expectations(text: str, found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Compare ``found`` with the `expected-error @+1 {{…}}` comments of ``text``.

    Returns what was not expected, and what was expected and did not come.
    """
    expected = list(_expectations(text))
    wrong = []
    for diagnostic in found:
        match = next((e for e in expected if e.matches(diagnostic)), None)
        if match:
            expected.remove(match)
        elif diagnostic.severity != "note":
            message = f"unexpected {diagnostic.severity}: {diagnostic.message}"
            wrong.append(Diagnostic("error", message, diagnostic.line, diagnostic.column))
    for expectation in expected:
        message = f'expected {expectation.severity} "{expectation.message}" was not produced'
        wrong.append(Diagnostic("error", message, expectation.written_at, 1))
    return wrong


@dataclass(frozen=True)
class _Expectation:
    severity: str
    message: str
    regex: bool
    line: int
    """The line of the diagnostic; 0 is an unknown place."""
    written_at: int

    def matches(self, diagnostic: Diagnostic) -> bool:
        if (self.severity, self.line) != (diagnostic.severity, diagnostic.line):
            return False
        if self.regex:
            return re.search(self.message, diagnostic.message) is not None
        return self.message in diagnostic.message


def _expectations(text: str) -> Iterator[_Expectation]:
    for number, line in enumerate(text.splitlines(), start=1):
        for match in EXPECTATION.finditer(line):
            place = {None: number, "above": number - 1, "below": number + 1, "unknown": 0}.get(
                match["place"], -1
            )
            if place < 0:
                place = number + int(match["place"])
            yield _Expectation(
                match["severity"], match["message"], bool(match["regex"]), place, number
            )
