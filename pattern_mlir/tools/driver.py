"""The work of `pattern-opt`: parse, run passes, write; part by part where the input is split."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from torch_mlir import ir
from torch_mlir.passmanager import PassManager

from pattern_mlir.dialects import create_context
from pattern_mlir.errors import PatternError, PipelineError
from pattern_mlir.parameters import atomic_file
from pattern_mlir.pipelines import (
    Instrumentation,
    Stage,
    add_upstream,
    format_pipeline,
    parse_pipeline,
    run,
    target_pipeline,
)
from pattern_mlir.program import Program
from pattern_mlir.targets import HOST, GpuTarget, default_precision
from pattern_mlir.targets import target as find_target
from pattern_mlir.tools.diagnostics import (
    INPUT,
    Diagnostic,
    captured_stderr,
    collected,
    explain_pretty_syntax,
    print_diagnostics,
    unmet_expectations,
)

BYTECODE_MAGIC = b"ML\xefR"
SEPARATOR = "// -----"
REPRODUCER = re.compile(r'mlir_reproducer:\s*\{\s*pipeline:\s*"((?:[^"\\]|\\.)*)"')


def process(arguments: argparse.Namespace, source: bytes | Path) -> int:
    """Process the input and write the result; return the exit code."""
    if isinstance(source, Path):
        from pattern_mlir.importer import import_program

        return _Part(arguments, "").finish(import_program(source))
    if source.startswith(BYTECODE_MAGIC):
        return _Part(arguments, "", source).parse_and_finish()
    try:
        text = source.decode()
    except UnicodeDecodeError:
        raise PatternError(
            f"'{arguments.input}' is no MLIR text or bytecode; a model needs the suffix .pt2"
        ) from None
    if not arguments.split_input_file:
        return _Part(arguments, text).parse_and_finish()
    parts = [_Part(arguments, part) for part in _split(text)]
    codes = [part.parse_and_finish() for part in parts]
    if not arguments.verify_diagnostics and not any(codes):
        text = f"{SEPARATOR}\n".join(part.written for part in parts)
        if _is_file(arguments.output):
            with atomic_file(Path(arguments.output)) as temporary:
                temporary.write_text(text)
        else:
            _write_stream(arguments.output, text.encode())
    return max(codes)


def _split(text: str) -> Iterator[str]:
    """Yield the parts between separators, behind as many empty lines as stand before them."""
    line = 0
    for part in re.split(rf"(?m)^{SEPARATOR}[^\n]*$", text):
        yield "\n" * line + part
        line += part.count("\n")


class _Part:
    """One module of the input on its way to the output."""

    def __init__(self, arguments: argparse.Namespace, text: str, bytecode: bytes = b"") -> None:
        self._arguments = arguments
        self._text = text
        self._assembly = bytecode or text
        self.written = ""

    def parse_and_finish(self) -> int:
        """Parse the module, then run and write it; return the exit code."""
        context = create_context()
        context.allow_unregistered_dialects = self._arguments.allow_unregistered_dialect
        folder = None if self._arguments.input == "-" else Path(self._arguments.input).parent
        with collected(context) as found:
            try:
                program = Program.parse(self._assembly, folder, context)
            except ir.MLIRError as error:
                told = [d for d in found if not d.message.startswith("custom op 'pattern.")]
                return self._report(told or explain_pretty_syntax(self._text) or found, error)
        return self.finish(program)

    def finish(self, program: Program) -> int:
        """Run the passes over ``program`` and write it; return the exit code."""
        stages = self._stages()
        _check_upstream(stages, program.context)
        if self._arguments.mlir_print_ir_before_all or self._arguments.mlir_print_ir_after_all:
            program.context.enable_multithreading(False)  # MLIR prints whole modules only so
        original = program.clone() if self._arguments.reproducer else None
        with collected(program.context) as found:
            try:
                if self._arguments.verify_roundtrip:
                    _verify_roundtrip(program)
                run(program, stages, self._instrumentation())
            except ir.MLIRError as error:
                explained = [d.explained(program.module.operation) for d in found]
                code = self._report(explained, error)
                self._reproduce(original, stages)
                return code
            except Exception:
                self._reproduce(original, stages)
                raise
        if self._arguments.verify_diagnostics:
            return self._report(found, None)
        self._write(program)
        return 0

    def _stages(self) -> tuple[Stage, ...]:
        arguments = self._arguments
        if arguments.target is not None:
            return target_pipeline(
                find_target(arguments.target, arguments.cpu),
                arguments.threads or 1,
                arguments.precision or default_precision(arguments.target, arguments.cpu),
            )
        if arguments.passes is not None:
            return parse_pipeline(f"builtin.module({','.join(arguments.passes)})")
        if arguments.pass_pipeline is not None:
            return parse_pipeline(arguments.pass_pipeline)
        if arguments.run_reproducer:
            recorded = REPRODUCER.search(self._text)
            if not recorded:
                raise PipelineError(f"'{arguments.input}' is no reproducer: it has no pipeline")
            return parse_pipeline(re.sub(r"\\(.)", r"\1", recorded[1]))
        return ()

    def _instrumentation(self) -> Instrumentation:
        return Instrumentation(
            print_before_all=self._arguments.mlir_print_ir_before_all,
            print_after_all=self._arguments.mlir_print_ir_after_all,
            timing=self._arguments.mlir_timing,
            verify=self._arguments.verify_each,
        )

    def _report(self, found: list[Diagnostic], error: ir.MLIRError | None) -> int:
        """Print what went wrong, or with --verify-diagnostics what was not expected to."""
        if error is not None and not found:
            found = [Diagnostic("error", str(error).partition("\n")[0])]
        if self._arguments.verify_diagnostics:
            found = unmet_expectations(self._text, found)
        print_diagnostics(found, self._arguments.input, self._text)
        return 1 if found else 0

    def _reproduce(self, original: Program | None, stages: tuple[Stage, ...]) -> None:
        """Write the module before the passes, and the passes, as MLIR's reproducers are."""
        if original is None:
            return
        pipeline = format_pipeline(stages).replace("\\", "\\\\").replace('"', '\\"')
        path = self._arguments.reproducer
        original.save(
            path,
            lambda program: (
                f"{program.text()}\n{{-#\n  external_resources: {{\n    mlir_reproducer: {{\n"
                f'      pipeline: "{pipeline}",\n      disable_threading: true,\n'
                f"      verify_each: true\n    }}\n  }}\n#-}}\n"
            ).encode(),
        )
        print(f"pattern-opt: note: {path} reproduces this with --run-reproducer", file=sys.stderr)

    def _write(self, program: Program) -> None:
        output = self._arguments.output
        if self._arguments.emit == "spirv":
            _write_kernels(program, output)
        elif self._arguments.split_input_file:
            self.written = self._printed(program).decode()
        elif _is_file(output):
            program.save(Path(output), self._emitted)
        else:
            _write_stream(output, self._emitted(program))

    def _emitted(self, program: Program) -> bytes:
        kind = self._arguments.emit
        return (
            self._printed(program)
            if kind == "mlir"
            else _emitted(program, kind, self._arguments.target, self._arguments.cpu)
        )

    def _printed(self, program: Program) -> bytes:
        text = program.module.operation.get_asm(
            large_elements_limit=self._arguments.mlir_elide_elementsattrs_if_larger,
            enable_debug_info=self._arguments.mlir_print_debuginfo,
        )
        # The next tool that reads these locations has another input.
        name = json.dumps(self._arguments.input, ensure_ascii=False)
        text = re.sub(rf'"{INPUT}"(?=:\d+:\d+)', lambda _: name, str(text))
        return (text.rstrip("\n") + "\n").encode()


def _check_upstream(stages: Sequence[Stage], context: Any) -> None:
    """Raise PipelineError unless MLIR knows every upstream stage and its options.

    LLVM writes what is wrong with an option's value to standard error: it belongs to the message.
    """
    with context:
        manager = PassManager("builtin.module")
        for stage in stages:
            if isinstance(stage, str):
                with captured_stderr() as written:
                    try:
                        add_upstream(manager, stage)
                    except PipelineError as error:
                        reason = written().strip(" :\n")
                        raise PipelineError(
                            f"{error}: {reason}" if reason else str(error)
                        ) from None


def _emitted(
    program: Program, kind: str, target: str | None = None, cpu: str | None = None
) -> bytes:
    """Return ``program`` as bytecode, LLVM IR, assembly or an object file for ``target``."""
    from io import BytesIO

    from pattern_mlir import codegen

    if kind == "bytecode":
        buffer = BytesIO()
        program.module.operation.write_bytecode(buffer)
        return buffer.getvalue()
    if kind == "llvm":
        return codegen.llvm_ir(program).encode()
    machine = find_target(target or HOST, cpu)
    if isinstance(machine, GpuTarget):
        raise PipelineError(
            f"--target={machine.name} makes kernels: --emit=spirv -o FOLDER writes them,"
            " --emit=package the whole network"
        )
    if kind == "asm":
        return codegen.assembly(program, machine).encode()
    return codegen.object_code(program, machine)


def _write_kernels(program: Program, output: str) -> None:
    """Write each kernel of ``program`` as SPIR-V: to a folder, or a single one to stdout."""
    from pattern_mlir.spirv import spirv_modules

    kernels = spirv_modules(program)
    if not kernels:
        raise PatternError("the module has no kernels; lower it with --target=vulkan1.1")
    if output == "-":
        if len(kernels) > 1:
            raise PipelineError(f"there are {len(kernels)} kernels; name a folder with -o")
        _write_stream(output, *kernels.values())
        return
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in kernels.items():
        with atomic_file(folder / f"{name}.spv") as temporary:
            temporary.write_bytes(data)


def _verify_roundtrip(program: Program) -> None:
    """Raise PatternError unless text and bytecode of the module are read back as the same."""
    operation = program.module.operation
    text = str(operation.get_asm(enable_debug_info=True))
    for form, data in (("text", text), ("bytecode", _emitted(program, "bytecode"))):
        again = Program.parse(data, None, program.context).module.operation
        if str(again.get_asm(enable_debug_info=True)) != text:
            raise PatternError(f"the module changes when it is written as {form} and read back")


def _is_file(output: str) -> bool:
    """Whether ``output`` is a file to replace, not a stream such as /dev/null."""
    path = Path(output)
    return output != "-" and (path.is_file() or path.is_dir() or not path.exists())


def _write_stream(output: str, data: bytes) -> None:
    """Write ``data`` to standard output or a device."""
    if output == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    else:
        Path(output).write_bytes(data)
