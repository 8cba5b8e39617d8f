"""`pattern-opt`: runs passes over a module and writes it at any level, as mlir-opt does.

It reads MLIR text or bytecode, or a model exported by PyTorch (.pt2), and writes MLIR, LLVM IR,
assembly, an object file, SPIR-V kernels, a package, a library for C, or a program that times the
network.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pattern_mlir import __version__
from pattern_mlir.errors import PipelineError, did_you_mean
from pattern_mlir.parameters import write_text
from pattern_mlir.passes import PASS_NAMES
from pattern_mlir.tools.arguments import Parser, at_least, end_quietly_without_reader, run_tool

EMITTED = (
    *("mlir", "bytecode", "llvm", "asm", "obj", "spirv"),
    *("package", "library", "bench", "report"),
)

EPILOG = """\
Every pass of pattern_mlir is a flag too, with its options after an equals sign:
  pattern-opt model.mlir --pattern-fuse --pattern-balance=threads=2
Passes of MLIR and torch-mlir go into --pass-pipeline by their own names.
"""


PASS_OPTION = "--pass"
"""What flags of passes are turned into."""


class _Parser(Parser):
    """Knows that passes are flags, too."""

    def explain(self, word: str) -> str:
        """Return one line about an argument that is not known."""
        from pattern_mlir.pipelines import COMMON_UPSTREAM_PASSES

        if not word.startswith("-"):
            return super().explain(word)
        if word.lstrip("-") in COMMON_UPSTREAM_PASSES:
            return (
                f"'{word}' is a pass of MLIR:"
                f" write --pass-pipeline='builtin.module({word.lstrip('-')})'"
            )
        options = [*self._option_string_actions, *(f"--{name}" for name in PASS_NAMES)]
        known = [option for option in options if option != PASS_OPTION]
        return f"unknown option '{word}'{did_you_mean(word, known)}"


def _parser() -> _Parser:
    description = (__doc__ or "").partition(": ")[2]
    parser = _Parser(
        prog="pattern-opt",
        description=description[:1].upper() + description[1:],
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("input", nargs="?", default="-", help="a file; - is standard input")
    parser.add_argument("-o", dest="output", default="-", help="where to write; - is stdout")
    parser.add_argument("--version", action="version", version=f"pattern-opt {__version__}")
    passes = parser.add_argument_group("what to run")
    passes.add_argument("--pass-pipeline", help="such as 'builtin.module(pattern-fuse,cse)'")
    passes.add_argument(PASS_OPTION, dest="passes", action="append", help=argparse.SUPPRESS)
    passes.add_argument("--target", help="the whole pipeline of a target, such as host")
    passes.add_argument(
        "--cpu", help="a processor of the target, such as cortex-a76; this one, or generic"
    )
    passes.add_argument("--threads", type=at_least(1), help="threads that --target splits for")
    passes.add_argument(
        "--precision",
        help="of --target: f32, f16-linear-weights, f16-acc32 or f16; on GPUs f32, f16-acc32,"
        " f16-packed or f16",
    )
    passes.add_argument("--emit", default="mlir", help=f"one of {', '.join(EMITTED)}")
    passes.add_argument("--name", help="of the library, the prefix of its functions; model")
    passes.add_argument(
        "--weights",
        choices=("inside", "file"),
        help="where the library has them; a file is mapped; inside",
    )
    passes.add_argument("--run-reproducer", action="store_true", help="run what the input says")
    passes.add_argument(
        "--verify-each",
        type=_truth,
        default=True,
        metavar="BOOL",
        help="false: do not verify the module after each pass",
    )
    listing = parser.add_argument_group("what there is")
    listing.add_argument("--list-passes", action="store_true", help="passes and their options")
    listing.add_argument("--show-dialects", action="store_true", help="dialects and operations")
    listing.add_argument(
        "--calibrate",
        action="store_true",
        help="time kernels here, so that --cpu=measured knows what they take; with nothing else",
    )
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
        "--mlir-elide-elementsattrs-if-larger",
        type=at_least(0),
        metavar="N",
        help="shorten literals",
    )
    testing.add_argument(
        "--mlir-pass-pipeline-crash-reproducer",
        dest="reproducer",
        type=Path,
        metavar="FILE",
        help="where to write a module and pipeline that fails",
    )
    return parser


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise argparse.ArgumentTypeError(f"needs true or false, got '{text}'")
    return text.lower() in ("true", "1")


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the arguments; a pass's flag becomes an entry of `passes`.

    Raises:
        PipelineError: an argument is unknown, or two contradict each other.
    """
    words = []
    for argument in arguments:
        name, equals, options = argument.lstrip("-").partition("=")
        if argument.startswith("-") and name in PASS_NAMES:
            braces = f"{{{options}}}" if equals else ""
            argument = f"{PASS_OPTION}={name}{braces}"
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
    if parsed.threads is not None and parsed.target is None:
        raise PipelineError("--threads goes with --target; write --pattern-balance=threads=… else")
    if parsed.precision is not None and parsed.target is None:
        raise PipelineError(
            "--precision goes with --target; else write"
            " --pattern-assign-precision=precision=… or --pattern-assign-blocks=precision=…"
        )
    if parsed.emit not in EMITTED:
        suggestion = did_you_mean(parsed.emit, EMITTED)
        raise PipelineError(
            f"cannot emit '{parsed.emit}'{suggestion} (known: {', '.join(EMITTED)})"
        )
    if parsed.calibrate and (parsed.input != "-" or any(way is not None for way in ways)):
        raise PipelineError("--calibrate goes alone; compile with --cpu=measured after it")
    if (parsed.name or parsed.weights) and parsed.emit != "library":
        raise PipelineError("--name and --weights go with --emit=library")
    if parsed.split_input_file and parsed.emit != "mlir":
        raise PipelineError("--split-input-file writes MLIR text only; leave out --emit")
    return parsed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; return its exit code, 0 or 1."""
    return run_tool("pattern-opt", lambda words: _run(parse_arguments(words)), arguments)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.list_passes or arguments.show_dialects:
        from pattern_mlir.tools import listings

        print(listings.passes() if arguments.list_passes else listings.dialects())
        return 0
    if arguments.calibrate:
        from pattern_mlir.calibration import calibrate

        for kind, factor in sorted(calibrate().items()):
            print(f"{kind}: {factor:.2f} times what the machine model says")
        return 0
    if arguments.emit in ("package", "library", "bench", "report"):
        return _write_compiled(arguments)
    from pattern_mlir.tools.driver import process

    return process(arguments, _read(arguments.input))


def _write_compiled(arguments: argparse.Namespace) -> int:
    """Compile the input and write it as a package, a library, a program or an HTML report."""
    if arguments.target is None or "-" in (arguments.input, arguments.output):
        raise PipelineError(f"--emit={arguments.emit} needs an input file, --target and -o")
    if arguments.name is not None:
        from pattern_mlir.library import check_name

        check_name(arguments.name)
    from pattern_mlir.compiler import compile

    model = compile(
        arguments.input,
        arguments.target,
        arguments.threads or 1,
        cpu=arguments.cpu,
        precision=arguments.precision,
    )
    if arguments.emit == "package":
        model.save(arguments.output)
    elif arguments.emit == "library":
        model.save_library(
            arguments.output, arguments.name or "model", arguments.weights or "inside"
        )
    elif arguments.emit == "bench":
        model.save_bench(arguments.output)
    else:
        from pattern_mlir.html_report import html

        write_text(Path(arguments.output), html(model))
    return 0


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
    end_quietly_without_reader()
    sys.exit(main())


if __name__ == "__main__":
    console()
