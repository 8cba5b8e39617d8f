// RUN: pattern-opt --pattern-assign-layouts=processor=generic %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --pattern-assign-layouts=processor=generic %t.once | diff %t.once -

// Producer and consumer share blocks; the producer writes the halo that its consumer reads. The
// network's own arguments and results are plain, so a relayout stands at each end.
// CHECK-LABEL: func.func @chain
// CHECK: %[[X:.*]] = "pattern.relayout"(%arg0){{.*}}#pattern.lanes<[4, 1], [4, 16], [1, 1, 1, 1]
// CHECK: %[[Y:.*]] = "pattern.conv"(%[[X]]{{.*}} -> tensor<1x32x16x16xf32, #pattern.lanes<[4, 1], [4, 16], [1, 1, 1, 1]
// CHECK: %[[Z:.*]] = "pattern.conv"(%[[Y]]{{.*}} -> tensor<1x32x16x16xf32, #pattern.lanes<[4, 1], [4, 16], [0, 0, 0, 0]
// CHECK: "pattern.relayout"(%[[Z]]){{.*}} -> tensor<1x32x16x16xf32>
func.func @chain(%x: tensor<1x32x16x16xf32>) -> tensor<1x32x16x16xf32> {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<32x32x3x3xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x32x16x16xf32>, tensor<32x32x3x3xf32>) -> tensor<1x32x16x16xf32>
  %1 = "pattern.conv"(%0, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x32x16x16xf32>, tensor<32x32x3x3xf32>) -> tensor<1x32x16x16xf32>
  return %1 : tensor<1x32x16x16xf32>
}

// Stride 2 fixes its producer's block: twice its own.
// CHECK-LABEL: func.func @stride_2
// CHECK: "pattern.conv"{{.*}} -> tensor<1x32x16x16xf32, #pattern.lanes<[4, 1], [4, 16], [1, 1, 0, 0]
// CHECK: "pattern.conv"{{.*}} -> tensor<1x32x8x8xf32, #pattern.lanes<[4, 1], [2, 8], [0, 0, 0, 0]
func.func @stride_2(%x: tensor<1x32x16x16xf32>) -> tensor<1x32x8x8xf32> {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<32x32x3x3xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x32x16x16xf32>, tensor<32x32x3x3xf32>) -> tensor<1x32x16x16xf32>
  %1 = "pattern.conv"(%0, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<1x32x16x16xf32>, tensor<32x32x3x3xf32>) -> tensor<1x32x8x8xf32>
  return %1 : tensor<1x32x8x8xf32>
}

// A maximum over values that may be negative wants a halo of -inf, a convolution one of 0: the one
// that disagrees with the producer reads a copy.
// CHECK-LABEL: func.func @fills_that_disagree
// CHECK: %[[Y:.*]] = "pattern.conv"{{.*}} -> tensor<1x32x16x16xf32, #pattern.lanes<[4, 1], [4, 16], [1, 1, 1, 1], 0.000000e+00
// CHECK: "pattern.conv"(%[[Y]]
// CHECK: %[[COPY:.*]] = "pattern.relayout"(%[[Y]]){{.*}} -> tensor<1x32x16x16xf32, #pattern.lanes<[4, 1], [4, 16], [1, 1, 1, 1], 0xFF800000
// CHECK: "pattern.max_pool"(%[[COPY]])
func.func @fills_that_disagree(%x: tensor<1x32x16x16xf32>) -> (tensor<1x32x16x16xf32>, tensor<1x32x16x16xf32>) {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<32x32x3x3xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x32x16x16xf32>, tensor<32x32x3x3xf32>) -> tensor<1x32x16x16xf32>
  %1 = "pattern.conv"(%0, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x32x16x16xf32>, tensor<32x32x3x3xf32>) -> tensor<1x32x16x16xf32>
  %2 = "pattern.max_pool"(%0) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 3, 3>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x32x16x16xf32>) -> tensor<1x32x16x16xf32>
  return %1, %2 : tensor<1x32x16x16xf32>, tensor<1x32x16x16xf32>
}

// A weight that is computed at run time cannot be packed.
// CHECK-LABEL: func.func @computed_weight
// CHECK-NOT: pattern.lanes
// CHECK: return
func.func @computed_weight(%x: tensor<1x32x16x16xf32>, %w: tensor<32x32x3x3xf32>) -> tensor<1x32x16x16xf32> {
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x32x16x16xf32>, tensor<32x32x3x3xf32>) -> tensor<1x32x16x16xf32>
  return %0 : tensor<1x32x16x16xf32>
}

// One pixelwise operation between plain tensors is not worth two relayouts.
// CHECK-LABEL: func.func @one_activation
// CHECK-NOT: pattern.lanes
// CHECK: return
func.func @one_activation(%x: tensor<1x32x16x16xf32>) -> tensor<1x32x16x16xf32> {
  %0 = "pattern.activate"(%x) {function = #pattern.activation<"relu", []>} : (tensor<1x32x16x16xf32>) -> tensor<1x32x16x16xf32>
  return %0 : tensor<1x32x16x16xf32>
}
