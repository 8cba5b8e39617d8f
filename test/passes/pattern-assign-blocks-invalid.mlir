// RUN: not pattern-opt --pattern-assign-blocks=gpu=adreno-64 %s 2>&1 | filecheck %s --check-prefix=GPU
// RUN: not pattern-opt --pattern-assign-blocks=precision=f8 %s 2>&1 | filecheck %s --check-prefix=PRECISION

// GPU: pattern-opt: error: pattern-assign-blocks: unknown gpu 'adreno-64'; did you mean 'adreno-640'?
// PRECISION: pattern-opt: error: pattern-assign-blocks: unknown precision 'f8'{{.*}}(known: f32, f16-acc32, f16-packed, f16)
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
