"""How many multiply-accumulates this processor can do: measured, for profiles to compare with."""

from __future__ import annotations

import ctypes
import time
from typing import Any

from llvmlite import ir

SUMS = 12
"""Vector sums that are under way: more than any processor's latency, fewer than its registers."""

STEPS = 20_000
"""Multiply-accumulates of each sum in a call."""


class Peak:
    """A loop that does nothing but vector multiply-accumulates; compiled when it is made."""

    def __init__(self, lanes: int) -> None:
        """Use vectors of ``lanes`` f32."""
        self._lanes = lanes
        self._library = _compiled(lanes)
        self._run = ctypes.CFUNCTYPE(ctypes.c_float)(self._library["peak"])

    def measure(self) -> float:
        """Return multiply-accumulates a second of the calling thread, in a run of 0.1 ms or so."""
        start = time.perf_counter()
        self._run()
        return SUMS * STEPS * self._lanes / (time.perf_counter() - start)


def vector_lanes() -> int:
    """Return the f32 lanes of this processor's vectors."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    return 16 if features.get("avx512f") else 8 if features.get("avx") else 4


def _compiled(lanes: int) -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2
    )
    module = llvm.parse_assembly(str(_loop(lanes)), llvm.create_context())
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    code = machine.emit_object(module)
    builder = llvm.JITLibraryBuilder().add_object_img(code).export_symbol("peak")
    return builder.link(llvm.create_lljit_compiler(), "peak")


def _loop(lanes: int) -> ir.Module:
    """Return `float peak()`: `STEPS` times, one multiply-accumulate on each of `SUMS` vectors."""
    module = ir.Module("peak")
    f32, i64 = ir.FloatType(), ir.IntType(64)
    vector = ir.VectorType(f32, lanes)
    function = ir.Function(module, ir.FunctionType(f32, []), "peak")
    signature = ir.FunctionType(vector, [vector] * 3)
    fma = ir.Function(module, signature, f"llvm.fmuladd.v{lanes}f32")
    entry, loop, end = (function.append_basic_block(name) for name in ("entry", "loop", "end"))
    ir.IRBuilder(entry).branch(loop)
    body = ir.IRBuilder(loop)
    step = body.phi(i64)
    sums = [body.phi(vector) for _ in range(SUMS)]
    factor = ir.Constant(vector, [ir.Constant(f32, 0.5)] * lanes)
    results = [body.call(fma, [total, factor, factor]) for total in sums]
    following = body.add(step, ir.Constant(i64, 1))
    body.cbranch(body.icmp_unsigned("<", following, ir.Constant(i64, STEPS)), loop, end)
    step.add_incoming(ir.Constant(i64, 0), entry)
    step.add_incoming(following, loop)
    for number, (total, result) in enumerate(zip(sums, results, strict=True)):
        total.add_incoming(ir.Constant(vector, [ir.Constant(f32, float(number))] * lanes), entry)
        total.add_incoming(result, loop)
    tail = ir.IRBuilder(end)
    total = results[0]
    for result in results[1:]:
        total = tail.fadd(total, result)
    tail.ret(tail.extract_element(total, ir.Constant(ir.IntType(32), 0)))
    return module
