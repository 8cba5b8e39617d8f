// RUN: pattern-opt %s --emit=mlir | filecheck %s --check-prefix=MLIR
// RUN: pattern-opt %s --emit=bytecode -o %t.mlirbc
// RUN: pattern-opt %t.mlirbc | filecheck %s --check-prefix=MLIR
// RUN: pattern-opt %s --emit=bytecode | pattern-opt - | filecheck %s --check-prefix=MLIR
// RUN: pattern-opt %s --target=host --threads=2 -o %t.llvm.mlir
// RUN: pattern-opt %t.llvm.mlir --emit=llvm | filecheck %s --check-prefix=LLVM
// RUN: pattern-opt %t.llvm.mlir --emit=asm | filecheck %s --check-prefix=ASM
// RUN: pattern-opt %t.llvm.mlir --emit=obj -o %t.o
// RUN: %python -c "import llvmlite.binding as llvm; llvm.initialize_native_target(); print(*(s.name() for s in llvm.ObjectFileRef.from_path(r'%t.o').sections()))" | filecheck %s --check-prefix=OBJ
// RUN: pattern-opt %s --target=host --emit=llvm | filecheck %s --check-prefix=LLVM

// What is written: MLIR as text or bytecode at any level; LLVM IR, assembly and object code of a
// module in the LLVM dialect. Input is text or bytecode, as it comes.
// MLIR: func.func @forward
// MLIR-NEXT: "pattern.activate"
// LLVM: define void @layer_0(ptr %0, i64 %1, i64 %2)
// ASM: layer_0:
// OBJ: .text
func.func @forward(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %y = "pattern.activate"(%x) {function = #pattern.activation<"relu", []>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  return %y : tensor<1x2x4x4xf32>
}
