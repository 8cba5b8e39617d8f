// RUN: pattern-opt %s --split-input-file --pattern-canonicalize | filecheck %s
// RUN: pattern-opt %s --split-input-file --pattern-canonicalize -o %t.once
// RUN: pattern-opt %t.once --split-input-file | diff %t.once -
// RUN: not pattern-opt %s --split-input-file --convert-pattern-to-linalg 2>&1 | filecheck %s --check-prefix=ERROR

// Each part between the lines of dashes is a module of its own: names may come again.
// CHECK: module {
// CHECK: func.func @f
// CHECK-NEXT: #pattern.activation<"relu6", []>
// CHECK: {{^// -----$}}
// CHECK-NEXT: module {
// CHECK-NEXT: func.func @f
// CHECK-NEXT: #pattern.activation<"relu", []>
func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = "pattern.activate"(%x) {function = #pattern.activation<"clamp", [0.0, 6.0]>} : (tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// ----- words behind the dashes are a comment

// An error stands where it is in the whole file; the other parts are checked all the same, but
// nothing is written.
// ERROR: split-input-file.mlir:[[# @LINE + 2]]:8: error: convert-pattern-to-linalg: computes with floats only
func.func @f(%x: tensor<2xi32>) -> tensor<2xi32> {
  %y = "pattern.activate"(%x) {function = #pattern.activation<"relu", []>} : (tensor<2xi32>) -> tensor<2xi32>
  return %y : tensor<2xi32>
}

// -----

// ERROR: split-input-file.mlir:[[# @LINE + 2]]:8: error: convert-pattern-to-linalg: computes with floats only
func.func @f(%x: tensor<2xi8>) -> tensor<2xi8> {
  %y = "pattern.activate"(%x) {function = #pattern.activation<"relu", []>} : (tensor<2xi8>) -> tensor<2xi8>
  return %y : tensor<2xi8>
}
// ERROR-NOT: func.func @f(%arg0
