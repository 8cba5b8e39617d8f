// RUN: pattern-opt %s --pass-pipeline='builtin.module(pattern-canonicalize,func.func(cse))' --mlir-print-ir-before-all -o %t 2>&1 | filecheck %s --check-prefix=BEFORE
// RUN: pattern-opt %s --pass-pipeline='builtin.module(pattern-canonicalize,func.func(cse))' --mlir-print-ir-after-all -o %t 2>&1 | filecheck %s --check-prefix=AFTER
// RUN: pattern-opt %s --pattern-canonicalize --mlir-print-ir-before-all --mlir-print-ir-after-all 2> %t.err | filecheck %s
// RUN: filecheck %s --check-prefix=BOTH < %t.err

// The module goes to standard error before or after each pass, ours and those of MLIR.
// BEFORE: IR Dump Before {{.*}} pattern-canonicalize
// BEFORE: #pattern.activation<"clamp", [0.000000e+00, 6.000000e+00]>
// BEFORE: IR Dump Before {{.*}} cse
// BEFORE: module {
// BEFORE: #pattern.activation<"relu6", []>
// BEFORE-NOT: IR Dump

// AFTER: IR Dump After {{.*}} pattern-canonicalize
// AFTER: #pattern.activation<"relu6", []>
// AFTER: #pattern.activation<"relu6", []>
// AFTER: IR Dump After {{.*}} cse
// AFTER: #pattern.activation<"relu6", []>
// AFTER-NOT: #pattern.activation

// BOTH: IR Dump Before
// BOTH: IR Dump After

// Standard output has the result alone.
// CHECK-NOT: IR Dump
// CHECK: module {
// CHECK-NOT: IR Dump
func.func @f(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = "pattern.activate"(%x) {function = #pattern.activation<"clamp", [0.0, 6.0]>} : (tensor<2xf32>) -> tensor<2xf32>
  %1 = "pattern.activate"(%x) {function = #pattern.activation<"relu6", []>} : (tensor<2xf32>) -> tensor<2xf32>
  return %0, %1 : tensor<2xf32>, tensor<2xf32>
}
