// RUN: pattern-opt --convert-pattern-to-linalg --split-input-file --verify-diagnostics %s

// The operations compute with floats.
func.func @integers(%x: tensor<2xi32>) -> tensor<2xi32> {
  // expected-error @+1 {{convert-pattern-to-linalg: computes with floats only, got i32; cast to f32 before}}
  %y = "pattern.add"(%x, %x) : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return %y : tensor<2xi32>
}
