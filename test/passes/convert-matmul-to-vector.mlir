// RUN: pattern-opt --convert-matmul-to-vector=lanes=4 %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --convert-matmul-to-vector=lanes=4 %t.once | diff %t.once -

// 8 rows x 2 vectors of the result wait in registers; 7 columns are two vectors that overlap.
// CHECK: func.func private @matmul_0(%arg0: memref<2x8x3xf32> {{.*}}, %arg1: memref<2x3x7xf32> {{.*}}, %arg2: memref<2x8x7xf32>
// CHECK-LABEL: func.func @forward
// CHECK: call @matmul_0({{.*}}multiplications = 336 : i64, tile = "8x2 vectors"
// CHECK: linalg.matmul
// CHECK: linalg.matmul
// CHECK: linalg.matmul
func.func @forward(%a: tensor<2x8x3xf32>, %b: tensor<2x3x7xf32>, %c: tensor<4x4xf32>, %s: tensor<4x4xf32>, %n: tensor<4x3xf32>) -> (tensor<2x8x7xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x3xf32>) {
  %zero = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<2x8x7xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<2x8x7xf32>) -> tensor<2x8x7xf32>
  %2 = linalg.batch_matmul ins(%a, %b : tensor<2x8x3xf32>, tensor<2x3x7xf32>) outs(%1 : tensor<2x8x7xf32>) -> tensor<2x8x7xf32>
  // A sum that starts at something else, a transposed factor, and too few columns for a vector stay.
  %3 = linalg.matmul ins(%c, %c : tensor<4x4xf32>, tensor<4x4xf32>) outs(%s : tensor<4x4xf32>) -> tensor<4x4xf32>
  %4 = tensor.empty() : tensor<4x4xf32>
  %5 = linalg.fill ins(%zero : f32) outs(%4 : tensor<4x4xf32>) -> tensor<4x4xf32>
  %6 = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>] ins(%c, %c : tensor<4x4xf32>, tensor<4x4xf32>) outs(%5 : tensor<4x4xf32>) -> tensor<4x4xf32>
  %7 = tensor.empty() : tensor<4x3xf32>
  %8 = linalg.fill ins(%zero : f32) outs(%7 : tensor<4x3xf32>) -> tensor<4x3xf32>
  %9 = linalg.matmul ins(%c, %n : tensor<4x4xf32>, tensor<4x3xf32>) outs(%8 : tensor<4x3xf32>) -> tensor<4x3xf32>
  return %2, %3, %6, %9 : tensor<2x8x7xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x3xf32>
}
