// RUN: rm -rf %t && mkdir %t && cp %s %t/model.mlir
// RUN: %python %S/inputs/write_parameters.py %t/model.safetensors 'w=float32[2]'

// The module goes to the file of -o, its parameters beside it; the module names them.
// RUN: pattern-opt %t/model.mlir -o %t/copy.mlir
// RUN: filecheck %s < %t/copy.mlir
// RUN: cmp %t/model.safetensors %t/copy.safetensors
// CHECK: module attributes {pattern.parameters = "copy.safetensors"}

// So does bytecode.
// RUN: pattern-opt %t/copy.mlir --emit=bytecode -o %t/bytecode.mlirbc
// RUN: cmp %t/model.safetensors %t/bytecode.safetensors
// RUN: pattern-opt %t/bytecode.mlirbc | filecheck %s --check-prefix=BYTECODE
// BYTECODE: module attributes {pattern.parameters = "bytecode.safetensors"}

// What passes add to the parameters is written as well: here the packed weights.
// RUN: pattern-opt %t/model.mlir --pattern-pack-weights -o %t/packed.mlir
// RUN: grep -q pattern.weights %t/packed.safetensors

// Standard output gets the module alone, and names the parameters of the input.
// RUN: pattern-opt %t/model.mlir | filecheck %s --check-prefix=STDOUT
// RUN: pattern-opt %t/model.mlir -o - | filecheck %s --check-prefix=STDOUT
// STDOUT: module attributes {pattern.parameters = "model.safetensors"}

// A device is written to, not replaced.
// RUN: pattern-opt %t/model.mlir -o /dev/null

// A link stays a link.
// RUN: ln -s copy.mlir %t/link.mlir
// RUN: pattern-opt %t/model.mlir --pattern-canonicalize -o %t/link.mlir
// RUN: test -L %t/link.mlir
// RUN: filecheck %s --check-prefix=LINK < %t/copy.mlir
// LINK: pattern.parameters = "link.safetensors"
// LINK: #pattern.activation<"relu6", []>

// Input and output may be the same file.
// RUN: pattern-opt %t/packed.mlir --pattern-canonicalize -o %t/packed.mlir
// RUN: filecheck %s --check-prefix=REPLACED < %t/packed.mlir
// REPLACED: #pattern.activation<"relu6", []>
// RUN: grep -q pattern.weights %t/packed.safetensors

// An error in a pass, in what shall be written or in the writing leaves everything as it was: an
// output of before, and no file more.
// RUN: rm -rf %t/safe && mkdir %t/safe && cp %t/copy.mlir %t/copy.safetensors %t/safe
// RUN: not pattern-opt %t/model.mlir --pattern-detect --convert-layers-to-abi -o %t/safe/copy.mlir
// RUN: not pattern-opt %t/model.mlir --pattern-pack-weights --emit=llvm -o %t/safe/copy.mlir
// RUN: not pattern-opt %t/model.mlir --pattern-pack-weights --emit=obj -o %t/safe/new.o
// RUN: mkdir %t/safe/folder && not pattern-opt %t/model.mlir -o %t/safe/folder && rmdir %t/safe/folder
// RUN: cmp %t/safe/copy.mlir %t/copy.mlir
// RUN: cmp %t/safe/copy.safetensors %t/copy.safetensors
// RUN: ls -A %t/safe | filecheck %s --check-prefix=FILES
// FILES: {{^copy.mlir$}}
// FILES-NEXT: {{^copy.safetensors$}}
// FILES-NOT: {{.}}

module attributes {pattern.parameters = "model.safetensors"} {
  func.func @f() -> tensor<2xf32> {
    %w = "pattern.parameter"() {name = "w"} : () -> tensor<2xf32>
    %y = "pattern.activate"(%w) {function = #pattern.activation<"clamp", [0.0, 6.0]>} : (tensor<2xf32>) -> tensor<2xf32>
    return %y : tensor<2xf32>
  }
}
