// RUN: pattern-opt %s --target=host --threads=2 --emit=package -o %t.pattern
// RUN: pattern-run %t.pattern | filecheck %s
// RUN: pattern-opt %s --target=host --threads=2 --emit=package -o %t.again && cmp %t.pattern %t.again
// RUN: not pattern-opt %s --emit=package -o %t.other 2>&1 | filecheck %s --check-prefix=TARGET
// RUN: not pattern-opt %s --target=host --emit=package 2>&1 | filecheck %s --check-prefix=TARGET
// RUN: not pattern-opt %s --target=host --cpu=x86-64-v5 --emit=asm 2>&1 | filecheck %s --check-prefix=CPU

// A package holds all that pattern-run needs; the same module gives the same bytes.
// CHECK: output0 [2, 3] float32; largest at
// TARGET: pattern-opt: error: --emit=package needs an input file, --target and -o FILE
// CPU: pattern-opt: error: unknown cpu 'x86-64-v5'; did you mean 'x86-64-v{{[34]}}'? (known: x86-64, x86-64-v3, x86-64-v4)
func.func @forward(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %y = "pattern.activate"(%x) {function = #pattern.activation<"relu", []>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}
