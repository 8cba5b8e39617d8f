// RUN: pattern-opt --convert-pattern-to-linalg %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --convert-pattern-to-linalg %t.once | diff %t.once -

// The accesses of a convolution: images, filters, rows, channels, two taps and columns are its
// loops, outermost first.
// CHECK-DAG: #[[CONV_X:map[0-9]*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d3, d2 * 2 + d4 * 2, d6 * 2 + d5)>
// CHECK-DAG: #[[CONV_W:map[0-9]*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d3, d4, d5)>
// CHECK-DAG: #[[CONV_Y:map[0-9]*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d2, d6)>
// CHECK-DAG: #[[SAME:map[0-9]*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[CHANNEL:map[0-9]*]] = affine_map<(d0, d1, d2, d3) -> (d1)>
// CHECK-DAG: #[[PLANE:map[0-9]*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-DAG: #[[ONE_A_CHANNEL:map[0-9]*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, 0, 0)>
// CHECK-DAG: #[[TWO_ROWS:map[0-9]*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2 * 2 + d3, d4)>
// CHECK-DAG: #[[TWO_COLUMNS:map[0-9]*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4 * 2 + d3)>

// A convolution is one nest whose innermost loop runs along a row of the result. It adds up in f64
// and rounds once. Pixels that no window reaches are not padded.
// CHECK-LABEL: func.func @plain_convolution
// CHECK: %[[X:.*]] = tensor.pad %arg0 low[0, 0, 1, 0] high[0, 0, 1, 2]
// CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f64
// CHECK: %[[SUMS:.*]] = linalg.fill ins(%[[ZERO]] : f64) {{.*}} -> tensor<2x4x3x4xf64>
// CHECK: %[[Y:.*]] = linalg.generic {indexing_maps = [#[[CONV_X]], #[[CONV_W]], #[[CONV_Y]]], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "reduction", "parallel"]} ins(%[[X]], %arg1 : {{.*}}) outs(%[[SUMS]]
// CHECK: arith.mulf %{{.*}}, %{{.*}} fastmath<contract> : f64
// CHECK: arith.addf %{{.*}}, %{{.*}} fastmath<contract> : f64
// CHECK: linalg.generic {{.*}} ins(%[[Y]] : tensor<2x4x3x4xf64>)
// CHECK: arith.truncf %{{.*}} : f64 to f32
func.func @plain_convolution(%x: tensor<2x3x7x7xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<2x4x3x4xf32> {
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 2, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 0, 1, 3>, strides = array<i64: 2, 2>} : (tensor<2x3x7x7xf32>, tensor<4x3x3x3xf32>) -> tensor<2x4x3x4xf32>
  return %y : tensor<2x4x3x4xf32>
}

// Groups are one loop more. Bias, residual and activation follow in one nest, then the pool: down
// the columns, then along the rows.
// CHECK-LABEL: func.func @groups_bias_residual_activation_pool
// CHECK: %[[X:.*]] = tensor.expand_shape %{{.*}} into tensor<1x2x2x4x6xf32>
// CHECK: %[[W:.*]] = tensor.expand_shape %arg1 {{.*}} into tensor<2x3x2x1x3xf32>
// CHECK: %[[Y:.*]] = linalg.generic {{.*}} ins(%[[X]], %[[W]]
// CHECK: %[[SUMS:.*]] = tensor.collapse_shape %[[Y]] {{.*}} into tensor<1x6x4x4xf64>
// CHECK: %[[Z:.*]] = linalg.generic {indexing_maps = [#[[SAME]], #[[CHANNEL]], #[[SAME]], #[[SAME]]], {{.*}}} ins(%[[SUMS]], %arg2, %arg3
// CHECK-NEXT: ^bb0(%[[S:.*]]: f64, %[[B:.*]]: f32, %[[R:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT: %[[ROUNDED:.*]] = arith.truncf %[[S]]
// CHECK-NEXT: %[[BIASED:.*]] = arith.addf %[[ROUNDED]], %[[B]]
// CHECK-NEXT: %[[ADDED:.*]] = arith.addf %[[BIASED]], %[[R]]
// CHECK: arith.maximumf %[[ADDED]]
// CHECK: arith.minimumf
// CHECK: %[[ROWS:.*]] = linalg.generic {indexing_maps = [#[[TWO_ROWS]], {{.*}} ins(%[[Z]],
// CHECK: arith.maximumf
// CHECK: linalg.generic {indexing_maps = [#[[TWO_COLUMNS]], {{.*}} ins(%[[ROWS]],
// CHECK: arith.maximumf
func.func @groups_bias_residual_activation_pool(%x: tensor<1x4x4x4xf32>, %w: tensor<6x2x1x3xf32>, %b: tensor<6xf32>, %r: tensor<1x6x4x4xf32>) -> tensor<1x6x2x2xf32> {
  %y = "pattern.conv"(%x, %w, %b, %r) {activation = #pattern.activation<"relu6", []>, dilations = array<i64: 1, 1>, groups = 2 : i64, max_pool = array<i64: 2, 2>, operandSegmentSizes = array<i32: 1, 1, 1, 1>, padding = array<i64: 0, 1, 0, 1>, strides = array<i64: 1, 1>} : (tensor<1x4x4x4xf32>, tensor<6x2x1x3xf32>, tensor<6xf32>, tensor<1x6x4x4xf32>) -> tensor<1x6x2x2xf32>
  return %y : tensor<1x6x2x2xf32>
}

// All leading dimensions of a linear layer are one.
// CHECK-LABEL: func.func @linear
// CHECK: %[[X:.*]] = tensor.collapse_shape %arg0 {{\[\[}}0, 1], [2]]
// CHECK: linalg.generic {{.*}}, iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[X]], %arg1 : tensor<6x40xf32>, tensor<5x40xf32>) outs(%{{.*}} : tensor<6x5xf64>)
// CHECK: tensor.expand_shape {{.*}} into tensor<3x2x5xf32>
func.func @linear(%x: tensor<3x2x40xf32>, %w: tensor<5x40xf32>, %b: tensor<5xf32>) -> tensor<3x2x5xf32> {
  %y = "pattern.linear"(%x, %w, %b) : (tensor<3x2x40xf32>, tensor<5x40xf32>, tensor<5xf32>) -> tensor<3x2x5xf32>
  return %y : tensor<3x2x5xf32>
}

// Minus infinity lies round a plane that is searched for its maximum.
// CHECK-LABEL: func.func @max_pool
// CHECK: arith.constant 0xFF800000 : f32
// CHECK: tensor.pad %arg0 low[0, 0, 0, 1] high[0, 0, 1, 2]
// CHECK-COUNT-2: arith.maximumf
// CHECK-NOT: arith.divf
// CHECK: return
func.func @max_pool(%x: tensor<1x4x8x8xf32>) -> tensor<1x4x4x5xf32> {
  %y = "pattern.max_pool"(%x) {ceil_mode, dilations = array<i64: 1, 1>, kernel_size = array<i64: 3, 3>, padding = array<i64: 0, 1, 0, 1>, strides = array<i64: 2, 2>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x5xf32>
  return %y : tensor<1x4x4x5xf32>
}

// An average divides by a number where all windows hold as many pixels, else by a plane of them.
// CHECK-LABEL: func.func @average_pool
// CHECK: %[[FOUR:.*]] = arith.constant 4.000000e+00 : f32
// CHECK-NEXT: arith.divf %{{.*}}, %[[FOUR]]
// CHECK: %[[COUNTS:.*]] = arith.constant dense<{{\[\[}}4.000000e+00, 6.000000e+00, 6.000000e+00, 6.000000e+00], [6.000000e+00, 9.000000e+00,
// CHECK: linalg.generic {indexing_maps = [#[[PLANE]], #[[SAME]]], {{.*}}} ins(%[[COUNTS]]
// CHECK: arith.divf
func.func @average_pool(%x: tensor<1x4x8x8xf32>) -> (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) {
  %0 = "pattern.average_pool"(%x) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
  %1 = "pattern.average_pool"(%x) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 3, 3>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
  return %0, %1 : tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>
}

// Windows of unequal distance are read through a table: rows 0-1, 2-3, 4-5, but columns 0-2, 2-4,
// 4-6.
// CHECK-LABEL: func.func @adaptive_average_pool
// CHECK: linalg.generic {indexing_maps = [#[[TWO_ROWS]],
// CHECK: %[[COLUMNS:.*]] = arith.constant dense<{{\[\[}}0, 1, 2], [2, 3, 4], [4, 5, 6]]> : tensor<3x3xi64>
// CHECK: linalg.generic {{.*}} ins(%[[COLUMNS]] : tensor<3x3xi64>)
// CHECK: tensor.extract
// CHECK: arith.constant 6.000000e+00
// CHECK-NEXT: arith.divf
func.func @adaptive_average_pool(%x: tensor<1x4x6x7xf32>) -> tensor<1x4x3x3xf32> {
  %y = "pattern.adaptive_average_pool"(%x) {output_size = array<i64: 3, 3>} : (tensor<1x4x6x7xf32>) -> tensor<1x4x3x3xf32>
  return %y : tensor<1x4x3x3xf32>
}

// Upsampling reads through tables of its sources; a bilinear one mixes two by a table of weights.
// CHECK-LABEL: func.func @upsample
// CHECK: arith.constant dense<[0, 0, 1, 1]> : tensor<4xi64>
// CHECK: tensor.extract %arg0
// CHECK: %[[TOP:.*]] = arith.constant dense<[0, 0, 1]> : tensor<3xi64>
// CHECK: %[[BOTTOM:.*]] = arith.constant dense<1> : tensor<3xi64>
// CHECK: %[[WEIGHT:.*]] = arith.constant dense<[0.000000e+00, 5.000000e-01, 0.000000e+00]> : tensor<3xf32>
// CHECK: linalg.generic {{.*}} ins(%[[TOP]], %[[BOTTOM]], %[[WEIGHT]] :
func.func @upsample(%x: tensor<1x4x2x2xf32>) -> (tensor<1x4x4x4xf32>, tensor<1x4x3x2xf32>) {
  %0 = "pattern.upsample"(%x) {mode = "nearest"} : (tensor<1x4x2x2xf32>) -> tensor<1x4x4x4xf32>
  %1 = "pattern.upsample"(%x) {align_corners, mode = "bilinear"} : (tensor<1x4x2x2xf32>) -> tensor<1x4x3x2xf32>
  return %0, %1 : tensor<1x4x4x4xf32>, tensor<1x4x3x2xf32>
}

// A chain of concatenations writes each piece to its place once.
// CHECK-LABEL: func.func @concat
// CHECK-NEXT: %[[ALL:.*]] = tensor.empty() : tensor<1x6x2x2xf32>
// CHECK-NEXT: %[[FIRST:.*]] = tensor.insert_slice %arg0 into %[[ALL]][0, 0, 0, 0] [1, 4, 2, 2]
// CHECK-NEXT: %[[SECOND:.*]] = tensor.insert_slice %arg1 into %[[FIRST]][0, 4, 0, 0] [1, 1, 2, 2]
// CHECK-NEXT: tensor.insert_slice %arg1 into %[[SECOND]][0, 5, 0, 0] [1, 1, 2, 2]
// CHECK-NEXT: return
func.func @concat(%a: tensor<1x4x2x2xf32>, %b: tensor<1x1x2x2xf32>) -> tensor<1x6x2x2xf32> {
  %0 = "pattern.concat"(%a, %b) {dimension = 1 : i64} : (tensor<1x4x2x2xf32>, tensor<1x1x2x2xf32>) -> tensor<1x5x2x2xf32>
  %1 = "pattern.concat"(%0, %b) {dimension = 1 : i64} : (tensor<1x5x2x2xf32>, tensor<1x1x2x2xf32>) -> tensor<1x6x2x2xf32>
  return %1 : tensor<1x6x2x2xf32>
}

// A dimension of 1 is read again and again.
// CHECK-LABEL: func.func @elementwise
// CHECK: linalg.generic {indexing_maps = [#[[SAME]], #[[ONE_A_CHANNEL]], #[[SAME]]], {{.*}}} ins(%arg0, %arg1
// CHECK: %[[SUM:.*]] = arith.addf
// CHECK: %[[SCALED:.*]] = arith.mulf %[[SUM]]
// CHECK: arith.select %{{.*}}, %[[SUM]], %[[SCALED]]
// CHECK: linalg.generic {indexing_maps = [#[[ONE_A_CHANNEL]], #[[SAME]], #[[SAME]]]
// CHECK: arith.mulf
// CHECK: math.tanh
func.func @elementwise(%a: tensor<1x4x2x2xf32>, %b: tensor<1x4x1x1xf32>) -> tensor<1x4x2x2xf32> {
  %0 = "pattern.add"(%a, %b) {activation = #pattern.activation<"leaky_relu", [1.000000e-01]>} : (tensor<1x4x2x2xf32>, tensor<1x4x1x1xf32>) -> tensor<1x4x2x2xf32>
  %1 = "pattern.multiply"(%b, %0) : (tensor<1x4x1x1xf32>, tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
  %2 = "pattern.activate"(%1) {function = #pattern.activation<"tanh", []>} : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
  return %2 : tensor<1x4x2x2xf32>
}

// f16 adds up in f32: machines convert between f16 and f64 by a function that code does not bring.
// CHECK-LABEL: func.func @half
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @half(%x: tensor<1x2x2x2xf16>, %w: tensor<2x2x1x1xf16>) -> tensor<1x2x2x2xf16> {
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x2x2xf16>, tensor<2x2x1x1xf16>) -> tensor<1x2x2x2xf16>
  return %y : tensor<1x2x2x2xf16>
}

// The order of filters is undone: result channel c is computed by the filter that writes it. The
// weight is dense.
// CHECK-LABEL: func.func @orders_compose
// CHECK-NEXT: "pattern.parameter"() {filter_order = array<i64: 1, 2, 0>, name = "w"} : () -> tensor<3x1x1x1xf32>
// CHECK-NOT: tensor.extract
// CHECK: return
func.func @orders_compose(%x: tensor<1x1x2x2xf32>) -> tensor<1x3x2x2xf32> {
  %w = "pattern.parameter"() {filter_order = array<i64: 2, 0, 1>, name = "w"} : () -> tensor<3x1x1x1xf32, #pattern.sparse<#pattern.library<[1, 1], [[0]]>>>
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, filter_boundaries = array<i64: 0, 2, 3>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, output_channel = array<i64: 1, 2, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x2x2xf32>, tensor<3x1x1x1xf32, #pattern.sparse<#pattern.library<[1, 1], [[0]]>>>) -> tensor<1x3x2x2xf32>
  return %y : tensor<1x3x2x2xf32>
}

// Orders that cancel leave the weight as it is stored. A second convolution that uses it in another
// order has a parameter of its own.
// CHECK-LABEL: func.func @orders_that_cancel
// CHECK-DAG: "pattern.parameter"() {name = "w"}
// CHECK-DAG: "pattern.parameter"() {filter_order = array<i64: 2, 0, 1>, name = "w"}
// CHECK: linalg.generic
func.func @orders_that_cancel(%x: tensor<1x1x2x2xf32>) -> (tensor<1x3x2x2xf32>, tensor<1x3x2x2xf32>) {
  %w = "pattern.parameter"() {filter_order = array<i64: 2, 0, 1>, name = "w"} : () -> tensor<3x1x1x1xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, output_channel = array<i64: 2, 0, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x2x2xf32>, tensor<3x1x1x1xf32>) -> tensor<1x3x2x2xf32>
  %1 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x2x2xf32>, tensor<3x1x1x1xf32>) -> tensor<1x3x2x2xf32>
  return %0, %1 : tensor<1x3x2x2xf32>, tensor<1x3x2x2xf32>
}

// An order across groups cannot be the weight's: the result is put right.
// CHECK-LABEL: func.func @order_across_groups
// CHECK-NEXT: "pattern.parameter"() {name = "w"}
// CHECK: %[[Y:.*]] = tensor.collapse_shape
// CHECK: %[[ORDER:.*]] = arith.constant dense<[1, 0]> : tensor<2xi64>
// CHECK: linalg.generic {{.*}} ins(%[[ORDER]]
// CHECK: tensor.extract %[[Y]]
func.func @order_across_groups(%x: tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x1x1x1xf32>
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, output_channel = array<i64: 1, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x2x2xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x2x2xf32>
  return %y : tensor<1x2x2x2xf32>
}

// What nobody uses is not computed.
// CHECK-LABEL: func.func @unused
// CHECK-NEXT: return
func.func @unused(%x: tensor<2xi32>) {
  %y = "pattern.activate"(%x) {function = #pattern.activation<"relu", []>} : (tensor<2xi32>) -> tensor<2xi32>
  return
}

// Parameters stay, with their order where no convolution undoes it; so do other operations.
// CHECK-LABEL: func.func @other_operations_stay
// CHECK-NEXT: "pattern.parameter"() {filter_order = array<i64: 1, 0>, name = "w"}
// CHECK-NEXT: arith.addf
// CHECK-NEXT: return
func.func @other_operations_stay(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %w = "pattern.parameter"() {filter_order = array<i64: 1, 0>, name = "w"} : () -> tensor<2xf32>
  %0 = arith.addf %x, %w : tensor<2xf32>
  return %0, %w : tensor<2xf32>, tensor<2xf32>
}
