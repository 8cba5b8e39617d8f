"""What the tools share: an argument parser that raises, and errors as one line and exit code 1."""

from __future__ import annotations

import argparse
import re
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn, TextIO

from pattern_mlir.errors import (
    PatternError,
    PipelineError,
    PruningRecordWarning,
    did_you_mean,
)


class Parser(argparse.ArgumentParser):
    """Reports mistakes as exceptions, with the nearest option there is."""

    def error(self, message: str) -> NoReturn:
        """Raise PipelineError with ``message``."""
        unknown = re.match(r"unrecognized arguments: (\S+)", message)
        if unknown:
            message = self.explain(unknown[1].partition("=")[0])
        raise PipelineError(f"{message} ({self.prog} --help lists all options)")

    def explain(self, word: str) -> str:
        """Return one line about an argument that is not known."""
        if not word.startswith("-"):
            return f"'{word}' is one input too many"
        return f"unknown option '{word}'{did_you_mean(word, self._option_string_actions)}"


def at_least(least: int) -> Callable[[str], int]:
    """Return a converter of arguments to integers of ``least`` or more."""

    def convert(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"needs a number of at least {least}, got '{text}'")
        return number

    return convert


def run_tool(
    name: str, work: Callable[[Sequence[str]], int], arguments: Sequence[str] | None
) -> int:
    """Return ``work``'s exit code; 1 after an error, which is printed as one line.

    With --debug among the ``arguments`` (None: the program's own) the exception goes on.
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        with _warnings_as_lines(name):
            return work(given)
    except KeyboardInterrupt:
        return 130  # as shells report an interrupt
    except Exception as error:
        if "--debug" in given:
            raise
        print(f"{name}: error: {' '.join(_message(error).split())}", file=sys.stderr)
        return 1


@contextmanager
def _warnings_as_lines(name: str) -> Iterator[None]:
    """Print warnings about the pruner's record as one line each; others as Python does."""
    usual = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, PruningRecordWarning):
            print(f"{name}: warning: {message}", file=sys.stderr)
        else:
            usual(message, category, filename, lineno, file, line)

    with warnings.catch_warnings():
        warnings.simplefilter("always", PruningRecordWarning)
        warnings.showwarning = show
        yield


def _message(error: Exception) -> str:
    if isinstance(error, PatternError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'output'}: {error.strerror}"
    kind = type(error).__name__
    return f"internal error, {kind}: {error}; run again with --debug and report it"


def end_quietly_without_reader() -> None:
    """Let the program end, as tools in C do, when the reader of its output has enough."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
