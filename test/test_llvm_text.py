"""Literals of LLVM 24 mean the same, bit by bit, to the LLVM in llvmlite."""

from __future__ import annotations

import ctypes
import re
import struct
from collections.abc import Sequence

import llvmlite.binding as llvm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_mlir import ir
from torch_mlir.dialects import llvm as llvm_dialect

from pattern_mlir.dialects import create_context
from pattern_mlir.llvm_text import for_llvm_22, literal, split_functions

TYPES = {"f16": ("half", 16), "bf16": ("bfloat", 16), "f32": ("float", 32), "f64": ("double", 64)}
"""Names in MLIR: the name in LLVM, and the width in bits."""

EXPONENTS = {"f16": 10, "bf16": 7, "f32": 23, "f64": 52}
"""Where the exponent begins."""


def llvm_24(module: str) -> str:
    """Return the IR that LLVM 24 writes for a module in the LLVM dialect."""
    with create_context():
        return str(llvm_dialect.translate_module_to_llvmir(ir.Module.parse(module).operation))


def parsed(text: str) -> llvm.ModuleRef:
    module = llvm.parse_assembly(text, llvm.create_context())
    module.verify()
    return module


def bits_of_constants(type_: str, patterns: Sequence[int]) -> list[int]:
    """Return the bits of constants, written by LLVM 24 and read by llvmlite."""
    width = TYPES[type_][1]
    functions = [
        f"llvm.func @f{i}() -> i{width} {{"
        f" %c = llvm.mlir.constant(0x{bits:0{width // 4}X} : {type_}) : {type_}"
        f" %b = llvm.bitcast %c : {type_} to i{width} llvm.return %b : i{width} }}"
        for i, bits in enumerate(patterns)
    ]
    module = parsed(for_llvm_22(llvm_24("\n".join(functions))))
    machine = llvm.Target.from_default_triple().create_target_machine()
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(1))
    builder.getModulePassManager().run(module, builder)  # folds the casts
    found = re.findall(rf"ret i{width} (-?\d+)", str(module))
    return [int(number) % (1 << width) for number in found]


@pytest.fixture(scope="module", autouse=True)
def native_target() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


def special(type_: str) -> list[int]:
    """Return zeros, the least and largest numbers, infinities and NaN of each kind, signed."""
    width, exponent = TYPES[type_][1], EXPONENTS[type_]
    infinity = (1 << (width - 1)) - (1 << exponent)
    quiet = 1 << (exponent - 1)
    positive = [
        0,
        1,  # the least denormal number
        (1 << exponent) - 1,  # the largest one
        1 << exponent,  # the least normal number
        infinity - 1,
        infinity,
        infinity | quiet,
        infinity | quiet | 5,
        infinity | 1,  # signals
        infinity | (quiet - 1),
    ]
    return positive + [bits | 1 << (width - 1) for bits in positive]


@pytest.mark.parametrize("type_", TYPES)
def test_special_numbers_keep_their_bits(type_: str) -> None:
    assert bits_of_constants(type_, special(type_)) == special(type_)


@pytest.mark.parametrize("type_", ["f16", "bf16"])
def test_every_number_of_16_bits_keeps_its_bits(type_: str) -> None:
    numbers = np.arange(1 << 16, dtype=np.uint16)
    shape = f"{numbers.size} x {type_}"
    text = llvm_24(
        f'llvm.mlir.global external constant @table(dense<"0x{numbers.tobytes().hex()}"> :'
        f" tensor<{shape.replace(' ', '')}>) : !llvm.array<{shape}>"
    )
    machine = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(parsed(for_llvm_22(text)), machine)
    engine.finalize_object()
    address = engine.get_global_value_address("table")
    actual = np.ctypeslib.as_array((ctypes.c_uint16 * numbers.size).from_address(address))
    np.testing.assert_array_equal(actual, numbers)


@pytest.mark.parametrize("type_", TYPES)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_any_number_keeps_its_bits(type_: str, data: st.DataObject) -> None:
    width = TYPES[type_][1]
    patterns = data.draw(st.lists(st.integers(0, 2**width - 1), min_size=1, max_size=50))
    assert bits_of_constants(type_, patterns) == patterns


@pytest.mark.parametrize("type_", ["f32", "f64"])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_numbers_with_short_decimals_keep_their_bits(type_: str, data: st.DataObject) -> None:
    decimals = st.decimals(-1000, 1000, places=3).map(float)
    numbers = data.draw(st.lists(decimals, min_size=1, max_size=50))
    form = ">f" if type_ == "f32" else ">d"
    patterns = [int(struct.pack(form, number).hex(), 16) for number in numbers]
    assert bits_of_constants(type_, patterns) == patterns


POSITIONS = """
  llvm.func @g(f32, f64) -> f32
  llvm.mlir.global internal @table(dense<[0.1, -2.5, 0x7FC00001, 0xFF800000]> : tensor<4xf32>)
      : !llvm.array<4 x f32>
  llvm.func @f(%x: f32, %v: vector<4xf16>, %p: !llvm.ptr, %c: i1) -> f32 {
    %a = llvm.mlir.constant(0.1 : f32) : f32
    %b = llvm.mlir.constant(0xFF800000 : f32) : f32
    %d = llvm.mlir.constant(-1.0e-300 : f64) : f64
    %h = llvm.mlir.constant(0.333 : f16) : f16
    %w = llvm.mlir.constant(dense<[1.0, 0.1, 0x7E01, -0.0]> : vector<4xf16>) : vector<4xf16>
    %s = llvm.mlir.constant(dense<0.2> : vector<4xf16>) : vector<4xf16>
    %i = llvm.mlir.constant(1 : i32) : i32
    %0 = llvm.fadd %x, %a : f32
    %1 = llvm.fcmp "ugt" %0, %b : f32
    %2 = llvm.select %1, %0, %a : i1, f32
    %3 = llvm.call @g(%b, %d) : (f32, f64) -> f32
    %4 = llvm.fmul %v, %w : vector<4xf16>
    %5 = llvm.fadd %4, %s : vector<4xf16>
    %6 = llvm.insertelement %h, %5[%i : i32] : vector<4xf16>
    llvm.store %6, %p : vector<4xf16>, !llvm.ptr
    llvm.store %d, %p : f64, !llvm.ptr
    llvm.cond_br %c, ^one, ^two(%a : f32)
  ^one:
    llvm.br ^two(%3 : f32)
  ^two(%y: f32):
    %7 = llvm.intr.fma(%y, %a, %2) : (f32, f32, f32) -> f32
    llvm.return %7 : f32
  }
"""


def test_literals_are_rewritten_wherever_they_stand() -> None:
    text = for_llvm_22(llvm_24(POSITIONS))
    parsed(text)
    decimal = re.compile(r"(?:half|float|double) [^%@0]*(?<![\w.%@])-?\d+\.\d")
    assert not decimal.search(text)
    assert "f0x" not in text and "nan" not in text and "inf" not in text
    assert literal("float", 0x7FC00001) in text
    assert literal("half", 0x7E01) in text


def test_a_second_time_changes_nothing() -> None:
    text = for_llvm_22(llvm_24(POSITIONS))
    assert for_llvm_22(text) == text


@pytest.mark.parametrize(
    "line",
    [
        "  %1 = add i32 %0, 15",
        'source_filename = "float 1.5"',
        'declare float @"1.5 +inf"(float)',
        "  %half.0 = load float, ptr %p1.5, align 4",
        "; 1.5 is no literal in a comment without a type",
        "define float @layer.1.5(float %0) {",
        '!0 = !{!"llvm.loop", i32 2}',
        "  store i8 0, ptr %inf, align 1 ; half",
        "define float @f0x1234(float %f0xAB) {",
        "  %1 = call float @layer-1.5(float %x-2.5)",
        "  %2 = load float, ptr @$1.5",
        '  %3 = call float asm "fadd float 1.5, \\22+inf\\22", "=r"()',
        "  br label %float.1",
        "define nofpclass(nan inf) float @f(float nofpclass(nan inf) %0) {",
        "  %4 = fadd nnan ninf float %0, %1",
    ],
)
def test_what_only_looks_like_a_literal_stays(line: str) -> None:
    assert for_llvm_22(line) == line


@pytest.mark.parametrize(
    "name", ["%half", "%half.1", "@half", "%float", "@bfloat-1", "%struct.half"]
)
def test_a_name_that_looks_like_a_type_is_none(name: str) -> None:
    assert for_llvm_22(f"fadd double {name}, 0.1") == (
        f"fadd double {name}, {literal('double', 0x3FB999999999999A)}"
    )


def test_a_literal_has_the_type_before_it() -> None:
    line = "{ half, double, float } { half 0.1, double 0.1, float 0.1 }"
    half, double, single = (
        literal(name, bits)
        for name, bits in [
            ("half", 0x2E66),
            ("double", 0x3FB999999999999A),
            ("float", 0x3DCCCCCD),
        ]
    )
    assert for_llvm_22(line) == (
        f"{{ half, double, float }} {{ half {half}, double {double}, float {single} }}"
    )


@pytest.mark.parametrize(
    ("name", "bits", "expected"),
    [
        ("half", 0x3C00, "0xH3C00"),
        ("bfloat", 0x3F80, "0xR3F80"),
        ("float", 0x3F800000, "0x3FF0000000000000"),
        ("float", 0x7FA00001, "0x7FF4000020000000"),
        ("double", 0x3FF0000000000000, "0x3FF0000000000000"),
    ],
)
def test_hexadecimal_literals(name: str, bits: int, expected: str) -> None:
    assert literal(name, bits) == expected


def test_two_parts_of_a_module_link_to_the_whole() -> None:
    text = """; ModuleID = 'm'
@table = private constant [2 x i32] [i32 3, i32 4]

declare float @expf(float)

define void @kernel_0(ptr noalias %0, i64 %1) #0 {
  %3 = call float @expf(float 0x3FF0000000000000)
  store float %3, ptr %0
  ret void
}

define void @layer_0(ptr %0, i64 %1, i64 %2) {
  %4 = load i32, ptr @table
  call void @kernel_0(ptr %0, i64 %1)
  ret void
}

attributes #0 = { noinline "no-builtins" }
"""
    layers, kernels = split_functions(text, {"layer_0"})
    context = llvm.create_context()
    first, second = (llvm.parse_assembly(part, context) for part in (layers, kernels))

    def defined(module: llvm.ModuleRef) -> set[str]:
        return {function.name for function in module.functions if not function.is_declaration}

    assert (defined(first), defined(second)) == ({"layer_0"}, {"kernel_0"})
    first.link_in(second)
    first.verify()
    assert defined(first) == {"layer_0", "kernel_0"}
    assert "noinline" in str(first.get_function("kernel_0"))
