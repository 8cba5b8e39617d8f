// RUN: not pattern-opt %s --split-input-file > %t 2>&1
// RUN: filecheck %s < %t
// RUN: pattern-opt %s --split-input-file --verify-diagnostics

// What is wrong in a module is printed as MLIR's tools do: file, line, column and message, the line
// and a mark below it.
// CHECK: {{^.*}}bad-syntax.mlir:[[# @LINE + 5]]:14: error: use of undeclared SSA value name
// CHECK-NEXT: {{^}}  return %x, %y : tensor<2xf32>, tensor<2xf32>
// CHECK-NEXT: {{^             \^$}}
func.func @undeclared(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{use of undeclared SSA value name}}
  return %x, %y : tensor<2xf32>, tensor<2xf32>
}

// -----

// Operations of the dialect have generic assembly only, of which MLIR says nothing: the message
// shows how the operation is written.
// CHECK-NEXT: {{^.*}}bad-syntax.mlir:[[# @LINE + 6]]:8: error: operations of the pattern dialect have generic assembly only: write "pattern.activate" in quotes, operands in brackets, attributes in braces, and the types of operands and result, as in %y = "pattern.activate"(%x) {function = #pattern.activation<"silu", []>} : (tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
// CHECK-NEXT: {{^}}  %y = pattern.activate %x {function = #pattern.activation<"relu", []>} : tensor<2xf32>
// CHECK-NEXT: {{^       \^$}}
func.func @pretty(%x: tensor<2xf32>) -> tensor<2xf32> {
  // A comment may say pattern.activate.
  // expected-error @+1 {{operations of the pattern dialect have generic assembly only}}
  %y = pattern.activate %x {function = #pattern.activation<"relu", []>} : tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

// CHECK-NEXT: {{^.*}}bad-syntax.mlir:[[# @LINE + 5]]:8: error: operations of the pattern dialect have generic assembly only: {{.*}}; there is no operation 'pattern.convolution'; did you mean 'pattern.conv'? (pattern-opt --show-dialects lists all)
// CHECK-NEXT: {{^}}  %y = pattern.convolution %x : tensor<2xf32>
// CHECK-NEXT: {{^       \^$}}
func.func @pretty_and_unknown(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{there is no operation 'pattern.convolution'}}
  %y = pattern.convolution %x : tensor<2xf32>
  return %y : tensor<2xf32>
}
// CHECK-NOT: {{.}}
