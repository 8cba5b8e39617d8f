// RUN: rm -rf %t && mkdir %t && cp %s %t/model.mlir
// RUN: %python %S/../tools/inputs/write_parameters.py %t/model.safetensors 'wide=float32[2,4]' 'double=float64[2]'
// RUN: pattern-opt --pattern-pack-weights --split-input-file --verify-diagnostics %t/model.mlir

// Module and arrays must belong together: a parameter that is not there,
module attributes {pattern.parameters = "model.safetensors"} {
  func.func @missing() -> tensor<2xf32> {
    // expected-error @+1 {{pattern-pack-weights: parameter 'narrow' is not in the parameter store; give the .safetensors file that belongs to the module}}
    %w = "pattern.parameter"() {name = "narrow"} : () -> tensor<2xf32>
    return %w : tensor<2xf32>
  }
}

// -----

// or of another shape,
module attributes {pattern.parameters = "model.safetensors"} {
  func.func @shape() -> tensor<2x2xf32> {
    // expected-error @+1 {{pattern-pack-weights: parameter 'wide' is stored with shape [2, 4], but the module declares tensor<2x2xf32>; module and .safetensors do not belong together}}
    %w = "pattern.parameter"() {name = "wide"} : () -> tensor<2x2xf32>
    return %w : tensor<2x2xf32>
  }
}

// -----

// or of another element type.
module attributes {pattern.parameters = "model.safetensors"} {
  func.func @element_type() -> tensor<2xf32> {
    // expected-error @+1 {{pattern-pack-weights: parameter 'double' is stored as float64, but the module declares tensor<2xf32>; module and .safetensors do not belong together}}
    %w = "pattern.parameter"() {name = "double"} : () -> tensor<2xf32>
    return %w : tensor<2xf32>
  }
}

// -----

// Parameters have a type that numpy has.
func.func @bfloat() -> tensor<2xbf16> {
  // expected-error @+1 {{pattern-pack-weights: parameters of type bf16 cannot be packed; convert the model to float32}}
  %w = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<2xbf16>} : () -> tensor<2xbf16>
  return %w : tensor<2xbf16>
}
