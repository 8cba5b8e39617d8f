// RUN: pattern-opt %s | filecheck %s
// RUN: pattern-opt %s --mlir-print-debuginfo -o %t.mlir
// RUN: filecheck %s --check-prefix=PLACES < %t.mlir
// RUN: pattern-opt %t.mlir --mlir-print-debuginfo | diff %t.mlir -
// RUN: not pattern-opt %t.mlir --convert-pattern-to-linalg 2>&1 | filecheck %s --check-prefix=ERROR
// RUN: pattern-opt %s --mlir-elide-elementsattrs-if-larger=3 | filecheck %s --check-prefix=SHORT
// RUN: pattern-opt %s --mlir-elide-elementsattrs-if-larger=4 | filecheck %s

// Long literals can be left out of the text, which cannot be read again then.
// CHECK: dense<[1, 2, 3, 4]>
// CHECK-NOT: loc(
// SHORT: value = dense_resource<__elided__> : tensor<4xi32>

// Locations are printed on demand, with the name of the input; so whoever reads them later finds
// the place.
// PLACES: func.func @f({{.*}} loc("{{.*}}printing.mlir":[[# @LINE + 4]]:
// PLACES: "layer1"(#loc
// ERROR: {{^.*}}printing.mlir:[[# @LINE + 4]]:8: error: convert-pattern-to-linalg: computes with floats only, got i32; cast to f32 before{{$}}
// ERROR-NOT: {{.}}
func.func @f(%x: tensor<4xi32>) -> tensor<4xi32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[1, 2, 3, 4]> : tensor<4xi32>} : () -> tensor<4xi32> loc("layer1"("model.py":3:5))
  %y = "pattern.add"(%x, %w) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %y : tensor<4xi32>
}
