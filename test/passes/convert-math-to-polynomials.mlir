// RUN: pattern-opt --convert-math-to-polynomials %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --convert-math-to-polynomials %t.once | diff %t.once -

// CHECK-LABEL: func.func @vectors
// CHECK-NOT: math.{{exp|erf|tanh}}
// CHECK: math.copysign {{.*}} : vector<4xf32>
// CHECK: return
func.func @vectors(%x: vector<4xf32>) -> vector<4xf32> {
  %0 = math.exp %x : vector<4xf32>
  %1 = math.erf %0 : vector<4xf32>
  %2 = math.expm1 %1 : vector<4xf32>
  %3 = math.tanh %2 : vector<4xf32>
  return %3 : vector<4xf32>
}

// In the bodies of loops too.
// CHECK-LABEL: func.func @loop
// CHECK-NOT: math.exp
// CHECK: return
func.func @loop(%x: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  scf.for %i = %c0 to %c8 step %c1 {
    %0 = memref.load %x[%i] : memref<8xf32>
    %1 = math.exp %0 : f32
    memref.store %1, %x[%i] : memref<8xf32>
  }
  return
}

// Other types, and functions without a formula, stay.
// CHECK-LABEL: func.func @others
// CHECK: math.exp {{.*}} : f64
// CHECK: math.erf {{.*}} : vector<2xf64>
// CHECK: math.log {{.*}} : f32
func.func @others(%x: f64, %y: vector<2xf64>, %z: f32) -> (f64, vector<2xf64>, f32) {
  %0 = math.exp %x : f64
  %1 = math.erf %y : vector<2xf64>
  %2 = math.log %z : f32
  return %0, %1, %2 : f64, vector<2xf64>, f32
}
