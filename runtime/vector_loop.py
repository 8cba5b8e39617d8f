"""A loop of vector multiply-accumulates and nothing else, to measure this processor with."""

from __future__ import annotations

import ctypes
import time
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir


class VectorLoop:
    """Each step multiplies and adds to ``sums`` vectors of ``lanes`` f32; compiled when made."""

    def __init__(self, lanes: int, sums: int, from_memory: bool = False) -> None:
        """Multiply what is in registers, or vectors that are read one after the other."""
        self.step_bytes = 4 * lanes * sums
        # The library keeps the code alive.
        self._library = _compiled(_loop(lanes, sums, from_memory))
        integer = ctypes.c_int64
        self._run = ctypes.CFUNCTYPE(ctypes.c_float, ctypes.c_void_p, integer, integer)(
            self._library["loop"]
        )

    def seconds(self, steps: int, data: npt.NDArray[np.uint8] | None = None) -> float:
        """Return what ``steps`` take, which read ``data`` over and over if the loop reads.

        ``data`` is aligned to 64 bytes; of it a power of two of ``step_bytes`` is read.
        """
        address, period = None, 1
        if data is not None:
            address, period = (
                data.ctypes.data,
                1 << (data.nbytes // self.step_bytes).bit_length() - 1,
            )
        start = time.perf_counter()
        self._run(address, steps, period - 1)
        return time.perf_counter() - start


def _compiled(module: ir.Module) -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2
    )
    parsed = llvm.parse_assembly(str(module), llvm.create_context())
    parsed.triple, parsed.data_layout = machine.triple, str(machine.target_data)
    code = machine.emit_object(parsed)
    builder = llvm.JITLibraryBuilder().add_object_img(code).export_symbol("loop")
    return builder.link(llvm.create_lljit_compiler(use_jit_link=True), "loop")


def _loop(lanes: int, count: int, from_memory: bool) -> ir.Module:
    """Return `float loop(vector *data, int64_t steps, int64_t mask)` on ``count`` sums.

    Step n reads the ``count`` vectors from number (n & mask) * ``count`` on.
    """
    module = ir.Module("loop")
    f32, i64 = ir.FloatType(), ir.IntType(64)
    vector = ir.VectorType(f32, lanes)
    function = ir.Function(module, ir.FunctionType(f32, [vector.as_pointer(), i64, i64]), "loop")
    signature = ir.FunctionType(vector, [vector] * 3)
    fma = ir.Function(module, signature, f"llvm.fmuladd.v{lanes}f32")
    entry, loop, end = (function.append_basic_block(name) for name in ("entry", "loop", "end"))
    ir.IRBuilder(entry).branch(loop)
    body = ir.IRBuilder(loop)
    step = body.phi(i64)
    sums = [body.phi(vector) for _ in range(count)]
    half = ir.Constant(vector, [ir.Constant(f32, 0.5)] * lanes)
    factors = [half] * count
    if from_memory:
        number = body.mul(body.and_(step, function.args[2]), ir.Constant(i64, count))
        first = body.gep(function.args[0], [number])
        places = [body.gep(first, [ir.Constant(i64, offset)]) for offset in range(count)]
        factors = [body.load(place, align=4 * lanes) for place in places]
    results = [body.call(fma, [own, half, total]) for own, total in zip(factors, sums, strict=True)]
    following = body.add(step, ir.Constant(i64, 1))
    body.cbranch(body.icmp_unsigned("<", following, function.args[1]), loop, end)
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
