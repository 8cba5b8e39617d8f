"""`convert-matmul-to-vector`: products of matrices become calls of vector kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch_mlir import ir
from torch_mlir.dialects import arith, linalg

from pattern_mlir.cost import Machine, matrix_cycles
from pattern_mlir.dialects import shape_of
from pattern_mlir.modules import place
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import MachinePass, walk
from pattern_mlir.passes.convert_torch_to_pattern import FALLBACKS_ATTRIBUTE
from pattern_mlir.passes.kernel_calls import KernelCalls
from pattern_mlir.passes.linalg_builders import Loops, collapsed, expanded
from pattern_mlir.passes.matmul_kernels import MatmulKernel, choose_tile

NAMES = frozenset({"linalg.matmul", "linalg.batch_matmul"})

PRODUCTS = ("aten.matmul", "aten.mm", "aten.bmm")
"""What PyTorch calls them."""


@dataclass(frozen=True)
class ConvertMatmulToVector(MachinePass):
    """Lower products of f32 matrices, whose sums start at zero and whose rows fill a vector.

    They are no fallbacks then: their names are taken off the module's `pattern.fallbacks`.
    ``processor`` is the target's; ``lanes`` and ``registers`` unless 0 are other vectors for it.

    Precondition: tensors; before bufferization.

    Before (lanes = 4):
        func.func @f(%arg0: tensor<1x1xf32>, %arg1: tensor<1x4xf32>) -> tensor<1x4xf32> {
          %cst = arith.constant 0.0 : f32
          %0 = tensor.empty() : tensor<1x4xf32>
          %1 = linalg.fill ins(%cst : f32) outs(%0 : tensor<1x4xf32>) -> tensor<1x4xf32>
          %2 = linalg.matmul ins(%arg0, %arg1 : tensor<1x1xf32>, tensor<1x4xf32>)
            outs(%1 : tensor<1x4xf32>) -> tensor<1x4xf32>
          return %2 : tensor<1x4xf32>
        }

    After:
        func.func private @matmul_0(%arg0: memref<1x1x1xf32> {llvm.noalias}, %arg1:
          memref<1x1x4xf32> {llvm.noalias}, %arg2: memref<1x1x4xf32> {llvm.noalias}, %arg3: index,
          %arg4: index) attributes {llvm.no_inline, llvm.passthrough = ["no-builtins"]} {
          %c256 = arith.constant 256 : index
          %c4 = arith.constant 4 : index
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          scf.for %arg5 = %arg3 to %arg4 step %c1 {
            %0 = arith.divui %arg5, %c1 : index
            %1 = arith.remui %arg5, %c1 : index
            %2 = arith.muli %1, %c1 : index
            %3 = arith.minui %2, %c0 : index
            scf.for %arg6 = %c0 to %c4 step %c4 {
              %4 = arith.addi %arg6, %c0 : index
              %5 = arith.addi %3, %c0 : index
              %cst = arith.constant dense<0.000000e+00> : vector<4xf32>
              %6 = scf.for %arg7 = %c0 to %c1 step %c256 iter_args(%arg8 = %cst) ->
                (vector<4xf32>) {
                %7 = arith.addi %arg7, %c256 : index
                %8 = arith.minui %7, %c1 : index
                %9 = scf.for %arg9 = %arg7 to %8 step %c1 iter_args(%arg10 = %cst) ->
                  (vector<4xf32>) {
                  %11 = vector.load %arg1[%0, %arg9, %4] {alignment = 4 : i64} :
                    memref<1x1x4xf32>, vector<4xf32>
                  %12 = memref.load %arg0[%0, %5, %arg9] : memref<1x1x1xf32>
                  %13 = vector.broadcast %12 : f32 to vector<4xf32>
                  %14 = vector.fma %13, %11, %arg10 : vector<4xf32>
                  scf.yield %14 : vector<4xf32>
                }
                %10 = arith.addf %arg8, %9 : vector<4xf32>
                scf.yield %10 : vector<4xf32>
              }
              vector.store %6, %arg2[%0, %5, %4] {alignment = 4 : i64} : memref<1x1x4xf32>,
                vector<4xf32>
            }
          }
          return
        }
        func.func @f(%arg0: tensor<1x1xf32>, %arg1: tensor<1x4xf32>) -> tensor<1x4xf32> {
          %cst = arith.constant 0.000000e+00 : f32
          %0 = tensor.empty() : tensor<1x4xf32>
          %1 = linalg.fill ins(%cst : f32) outs(%0 : tensor<1x4xf32>) -> tensor<1x4xf32>
          %expanded = tensor.expand_shape %arg0 [[0, 1], [2]] output_shape [1, 1, 1] :
            tensor<1x1xf32> into tensor<1x1x1xf32>
          %expanded_0 = tensor.expand_shape %arg1 [[0, 1], [2]] output_shape [1, 1, 4] :
            tensor<1x4xf32> into tensor<1x1x4xf32>
          %alloc = memref.alloc() : memref<1x1x4xf32>
          %2 = bufferization.to_buffer %expanded read_only : tensor<1x1x1xf32> to
            memref<1x1x1xf32>
          %3 = bufferization.to_buffer %expanded_0 read_only : tensor<1x1x4xf32> to
            memref<1x1x4xf32>
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          call @matmul_0(%2, %3, %alloc, %c0, %c1) {pattern.extent = 1 : i64, pattern.work =
            {bytes = 36 : i64, cycles = 2 : i64, kernel = "matmul", layout = "",
            multiplications = 4 : i64, tile = "1x1 vectors"}} : (memref<1x1x1xf32>,
            memref<1x1x4xf32>, memref<1x1x4xf32>, index, index) -> ()
          %4 = bufferization.to_tensor %alloc restrict writable : memref<1x1x4xf32> to
            tensor<1x1x4xf32>
          %collapsed = tensor.collapse_shape %4 [[0, 1], [2]] : tensor<1x1x4xf32> into
            tensor<1x4xf32>
          return %collapsed : tensor<1x4xf32>
        }
    """

    name: ClassVar[str] = "convert-matmul-to-vector"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Replace each product that has a kernel."""
        machine, calls = self.machine, KernelCalls(module)
        products = [op for op in walk(module, ir.OpView) if op.operation.name in NAMES]
        lowered = [op for op in products if _fits(op, machine)]
        left = {place(op.location) for op in products if op not in lowered}
        _no_fallbacks(module, {place(op.location) for op in lowered} - left)
        for op in lowered:
            with op.location, ir.InsertionPoint(op):
                result = _lowered(op, machine, calls)
            op.operation.results[0].replace_all_uses_with(result)
            op.operation.erase()


def _no_fallbacks(module: Any, places: set[str]) -> None:
    """Take the products at ``places``, which have kernels, off the list of fallbacks."""
    known = module.attributes.get(FALLBACKS_ATTRIBUTE, ())
    named = {f"{name} at {own}" for name in PRODUCTS for own in places}
    kept = [text for text in known if ir.StringAttr(text).value not in named]
    if kept:
        module.attributes[FALLBACKS_ATTRIBUTE] = ir.ArrayAttr.get(kept)
    elif known:
        del module.attributes[FALLBACKS_ATTRIBUTE]


def _fits(op: Any, machine: Machine) -> bool:
    """Whether ``op`` is the plain product of two f32 tensors, with enough columns."""
    left, right, start = op.operation.operands
    types = [ir.RankedTensorType(value.type) for value in (left, right, start)]
    if any(not t.has_static_shape or str(t.element_type) != "f32" for t in types):
        return False
    return types[2].shape[-1] >= machine.lanes and _is_plain(op) and _is_zero(start)


def _is_plain(op: Any) -> bool:
    """Whether ``op`` reads its factors as they are, neither transposed nor repeated."""
    loops = Loops("bmnk" if op.operation.name == "linalg.batch_matmul" else "mnk")
    plain = [ir.AffineMap.get(len(loops), 0, loops.at(names)) for names in ("bmk", "bkn", "bmn")]
    maps = op.operation.attributes.get("indexing_maps")
    return maps is None or [ir.AffineMapAttr(own).value for own in maps] == plain


def _is_zero(value: Any) -> bool:
    """Whether ``value`` is filled with zeros."""
    if isinstance(value.owner, ir.Block) or not isinstance(value.owner.opview, linalg.FillOp):
        return False
    number = value.owner.opview.operation.operands[0]
    producer = None if isinstance(number.owner, ir.Block) else number.owner.opview
    return isinstance(producer, arith.ConstantOp) and producer.literal_value == 0.0


def _lowered(op: Any, machine: Machine, calls: KernelCalls) -> Any:
    left, right, _ = op.operation.operands
    matrices = shape_of(left)[0] if len(shape_of(left)) == 3 else 1
    (rows, inner), columns = shape_of(left)[-2:], shape_of(right)[-1]
    height, width = choose_tile(rows, columns, machine.lanes, machine.sums(1))
    kernel = MatmulKernel(matrices, rows, inner, columns, machine.lanes, height, width)
    count = kernel.multiplications
    size = 4 * matrices * (rows * inner + inner * columns + rows * columns)
    cycles = matrix_cycles(machine, count, size)
    if len(shape_of(left)) == 3:
        return calls.call([kernel], [[left, right]], count, cycles=cycles)
    factors = [expanded(left, [[1, rows], [inner]]), expanded(right, [[1, inner], [columns]])]
    return collapsed(calls.call([kernel], [factors], count, cycles=cycles), [2, 1])
