// RUN: pattern-opt %s --allow-unregistered-dialect --pattern-canonicalize | filecheck %s
// RUN: not pattern-opt %s 2>&1 | filecheck %s --check-prefix=REFUSED

// Operations of dialects that nobody knows are a mistake, unless they are asked for.
// CHECK: #pattern.activation<"relu6", []>
// CHECK: "unknown.operation"(%
// REFUSED: unregistered-dialect.mlir:[[# @LINE + 3]]:{{[0-9]+}}: error: operation being parsed with an unregistered dialect
func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = "pattern.activate"(%x) {function = #pattern.activation<"clamp", [0.0, 6.0]>} : (tensor<2xf32>) -> tensor<2xf32>
  %z = "unknown.operation"(%y) : (tensor<2xf32>) -> tensor<2xf32>
  return %z : tensor<2xf32>
}
