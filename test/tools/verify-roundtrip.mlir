// RUN: pattern-opt %s --verify-roundtrip --pattern-canonicalize | filecheck %s
// RUN: pattern-opt %s --emit=bytecode | pattern-opt --verify-roundtrip --pattern-canonicalize | filecheck %s

// Before the passes run, the module is written as text and as bytecode, and read back: both must be
// the same module, locations too.
// CHECK: #pattern.activation<"relu6", []>
func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = "pattern.activate"(%x) {function = #pattern.activation<"clamp", [0.0, 6.0]>} : (tensor<2xf32>) -> tensor<2xf32> loc("layer1"("model.py":3:5))
  return %y : tensor<2xf32>
}
