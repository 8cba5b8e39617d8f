"""`pattern-opt`: runs passes over a module and writes it at any level, as mlir-opt does.

It reads MLIR text or bytecode, or a model exported by PyTorch (.pt2), and writes MLIR, LLVM IR,
assembly or an object file.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from pattern_mlir import __version__
from pattern_mlir.errors import PatternError, PipelineError, did_you_mean
from pattern_mlir.passes import PASS_NAMES

EMITTED = ("mlir", "bytecode", "llvm", "asm", "obj")

EPILOG = """\
Every pass of pattern_mlir is a flag too, with its options after an equals sign:
  pattern-opt model.mlir --pattern-fuse --pattern-balance=threads=2
Passes of MLIR and torch-mlir go into --pass-pipeline by their own names.
"""


class _Parser(argparse.ArgumentParser):
    """Reports mistakes as exceptions, with the nearest option there is."""

    def error(self, message: str) -> NoReturn:
        """Raise PipelineError with ``message``."""
        unknown = re.match(r"unrecognized arguments: (-\S+)", message)
        if unknown:
            word = unknown[1].partition("=")[0]
            known = [*self._option_string_actions, *(f"--{name}" for name in PASS_NAMES)]
            message = f"unknown option '{word}'{did_you_mean(word, known)}"
        raise PipelineError(f"{message} (pattern-opt --help lists all options)")


def _parser() -> _Parser:
    parser = _Parser(
        prog="pattern-opt",
        description=(__doc__ or "").partition("\n\n")[2],
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("input", nargs="?", default="-", help="a file; - is standard input")
    parser.add_argument("-o", dest="output", default="-", help="where to write; - is stdout")
    parser.add_argument("--version", action="version", version=f"pattern-opt {__version__}")
    passes = parser.add_argument_group("what to run")
    passes.add_argument("--pass-pipeline", help="such as 'builtin.module(pattern-fuse,cse)'")
    passes.add_argument("--pass", dest="passes", action="append", help=argparse.SUPPRESS)
    passes.add_argument("--target", help="the whole pipeline of a target, such as host")
    passes.add_argument("--threads", type=int, default=1, help="threads that --target splits for")
    passes.add_argument("--emit", default="mlir", help=f"one of {', '.join(EMITTED)}")
    passes.add_argument("--run-reproducer", action="store_true", help="run what the input says")
    passes.add_argument("--verify-each", default="true", help="false: only at the end")
    listing = parser.add_argument_group("what there is")
    listing.add_argument("--list-passes", action="store_true", help="passes and their options")
    listing.add_argument("--show-dialects", action="store_true", help="dialects and operations")
    testing = parser.add_argument_group("for tests and debugging")
    for name, text in (
        ("split-input-file", "treat the parts between // ----- lines as files"),
        ("verify-diagnostics", "check expected-error comments; prints no module"),
        ("verify-roundtrip", "check that text and bytecode are read back the same"),
        ("allow-unregistered-dialect", "allow operations of unknown dialects"),
        ("mlir-print-ir-before-all", "print the module before each pass to stderr"),
        ("mlir-print-ir-after-all", "print the module after each pass to stderr"),
        ("mlir-print-debuginfo", "print locations"),
        ("mlir-timing", "print the time of each pass to stderr"),
        ("debug", "show tracebacks"),
    ):
        testing.add_argument(f"--{name}", action="store_true", help=text)
    testing.add_argument(
        "--mlir-elide-elementsattrs-if-larger", type=int, metavar="N", help="shorten literals"
    )
    testing.add_argument(
        "--mlir-pass-pipeline-crash-reproducer",
        dest="reproducer",
        type=Path,
        metavar="FILE",
        help="where to write a module and pipeline that fails",
    )
    return parser


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the arguments; a pass's flag becomes an entry of `passes`.

    Raises:
        PipelineError: an argument is unknown, or two contradict each other.
    """
    words = []
    for argument in arguments:
        name, equals, options = argument.lstrip("-").partition("=")
        if argument.startswith("-") and name in PASS_NAMES:
            argument = f"--pass={name}{{{options}}}" if equals else f"--pass={name}"
        elif re.match(r"-\w\w", argument):
            argument = f"-{argument}"  # mlir-opt takes one dash or two
        words.append(argument)
    parsed = _parser().parse_args(words)
    ways = [parsed.pass_pipeline, parsed.passes, parsed.target, parsed.run_reproducer or None]
    if sum(way is not None for way in ways) > 1:
        raise PipelineError(
            "give one of --pass-pipeline, flags of passes, --target and --run-reproducer;"
            " a pipeline mixes any passes"
        )
    if parsed.emit not in EMITTED:
        suggestion = did_you_mean(parsed.emit, EMITTED)
        raise PipelineError(
            f"cannot emit '{parsed.emit}'{suggestion} (known: {', '.join(EMITTED)})"
        )
    if parsed.split_input_file and parsed.emit != "mlir":
        raise PipelineError("--split-input-file writes MLIR text only; leave out --emit")
    return parsed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; return its exit code, 0 or 1."""
    given = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in given
    try:
        return _run(parse_arguments(given))
    except PatternError as error:
        return _fail(str(error), debug)
    except OSError as error:
        return _fail(f"{error.filename or 'output'}: {error.strerror}", debug)
    except Exception as error:
        return _fail(
            f"internal error, {type(error).__name__}: {error};"
            " run again with --debug and report it",
            debug,
        )


def _fail(message: str, debug: bool) -> int:
    """Print one line about the exception that is handled now."""
    if debug:
        raise
    print(f"pattern-opt: error: {' '.join(message.split())}", file=sys.stderr)
    return 1


def _run(arguments: argparse.Namespace) -> int:
    if arguments.list_passes or arguments.show_dialects:
        from pattern_mlir.tools import listings

        print(listings.passes() if arguments.list_passes else listings.dialects())
        return 0
    from pattern_mlir.tools.driver import process

    return process(arguments, _read(arguments.input))


def _read(name: str) -> bytes | Path:
    """Return the input's bytes; the path of a .pt2 file, which is not read here."""
    if name == "-":
        return sys.stdin.buffer.read()
    path = Path(name)
    if path.suffix == ".pt2":
        return path
    return path.read_bytes()


def console() -> Any:
    """Run the tool as a program."""
    sys.exit(main())


if __name__ == "__main__":
    console()
