// RUN: pattern-opt --split-input-file --convert-torch-to-pattern %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --split-input-file --convert-torch-to-pattern %t.once | diff %t.once -

// A convolution with its constants. Casts stand where torch values come in and go out; weights are
// builtin tensors already.
// CHECK-LABEL: func.func @forward(%arg0: !torch.vtensor<[1,2,6,6],f32>)
// CHECK-NEXT: %[[W:.*]] = "pattern.parameter"() {name = "w"} : () -> tensor<4x1x3x3xf32>
// CHECK-NEXT: %[[B:.*]] = "pattern.parameter"() {name = "b"} : () -> tensor<4xf32>
// CHECK-NEXT: %[[X:.*]] = torch_c.to_builtin_tensor %arg0
// CHECK-NEXT: %[[Y:.*]] = "pattern.conv"(%[[X]], %[[W]], %[[B]]) {dilations = array<i64: 1, 1>, groups = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0>, padding = array<i64: 1, 0, 1, 0>, strides = array<i64: 2, 1>}
// CHECK-NEXT: %[[Z:.*]] = torch_c.from_builtin_tensor %[[Y]]
// CHECK-NEXT: return %[[Z]]
func.func @forward(%x: !torch.vtensor<[1,2,6,6],f32>) -> !torch.vtensor<[1,4,3,4],f32> {
  %0 = "pattern.parameter"() {name = "w"} : () -> tensor<4x1x3x3xf32>
  %w = torch_c.from_builtin_tensor %0 : tensor<4x1x3x3xf32> -> !torch.vtensor<[4,1,3,3],f32>
  %1 = "pattern.parameter"() {name = "b"} : () -> tensor<4xf32>
  %b = torch_c.from_builtin_tensor %1 : tensor<4xf32> -> !torch.vtensor<[4],f32>
  %c0 = torch.constant.int 0
  %c1 = torch.constant.int 1
  %c2 = torch.constant.int 2
  %strides = torch.prim.ListConstruct %c2, %c1 : (!torch.int, !torch.int) -> !torch.list<int>
  %padding = torch.prim.ListConstruct %c1, %c0 : (!torch.int, !torch.int) -> !torch.list<int>
  %dilations = torch.prim.ListConstruct %c1 : (!torch.int) -> !torch.list<int>
  %y = torch.aten.conv2d %x, %w, %b, %strides, %padding, %dilations, %c2 : !torch.vtensor<[1,2,6,6],f32>, !torch.vtensor<[4,1,3,3],f32>, !torch.vtensor<[4],f32>, !torch.list<int>, !torch.list<int>, !torch.list<int>, !torch.int -> !torch.vtensor<[1,4,3,4],f32>
  return %y : !torch.vtensor<[1,4,3,4],f32>
}

// -----

// Padding by zeros goes into the convolution: here 3 at the left, 1 below, and what "same" adds,
// the larger half at the end.
// CHECK-LABEL: func.func @forward
// CHECK: "pattern.conv"(%{{.*}}, %{{.*}}) {{{.*}}padding = array<i64: 1, 3, 3, 1>
// CHECK-NOT: torch.aten.pad
// CHECK: return
func.func @forward(%x: !torch.vtensor<[1,2,6,6],f32>) -> !torch.vtensor<[1,4,7,9],f32> {
  %0 = "pattern.parameter"() {name = "w"} : () -> tensor<4x2x4x2xf32>
  %w = torch_c.from_builtin_tensor %0 : tensor<4x2x4x2xf32> -> !torch.vtensor<[4,2,4,2],f32>
  %none = torch.constant.none
  %c0 = torch.constant.int 0
  %c1 = torch.constant.int 1
  %c3 = torch.constant.int 3
  %constant = torch.constant.str "constant"
  %same = torch.constant.str "same"
  %ones = torch.prim.ListConstruct %c1, %c1 : (!torch.int, !torch.int) -> !torch.list<int>
  %pads = torch.prim.ListConstruct %c3, %c0, %c0, %c1 : (!torch.int, !torch.int, !torch.int, !torch.int) -> !torch.list<int>
  %padded = torch.aten.pad %x, %pads, %constant, %none : !torch.vtensor<[1,2,6,6],f32>, !torch.list<int>, !torch.str, !torch.none -> !torch.vtensor<[1,2,7,9],f32>
  %y = torch.aten.conv2d.padding %padded, %w, %none, %ones, %same, %ones, %c1 : !torch.vtensor<[1,2,7,9],f32>, !torch.vtensor<[4,2,4,2],f32>, !torch.none, !torch.list<int>, !torch.str, !torch.list<int>, !torch.int -> !torch.vtensor<[1,4,7,9],f32>
  return %y : !torch.vtensor<[1,4,7,9],f32>
}

// -----

// Activations, one behind the other: no casts stand between.
// CHECK-LABEL: func.func @forward
// CHECK-NEXT: torch_c.to_builtin_tensor
// CHECK-NEXT: #pattern.activation<"relu", []>
// CHECK-NEXT: #pattern.activation<"relu6", []>
// CHECK-NEXT: #pattern.activation<"clamp", [-1.000000e+00, 2.000000e+00]>
// CHECK-NEXT: #pattern.activation<"clamp", [-1.000000e+00, 0x7FF0000000000000 : f64]>
// CHECK-NEXT: #pattern.activation<"clamp", [0xFFF0000000000000 : f64, 2.000000e+00]>
// CHECK-NEXT: #pattern.activation<"leaky_relu", [2.000000e+00]>
// CHECK-NEXT: #pattern.activation<"elu", [2.000000e+00]>
// CHECK-NEXT: #pattern.activation<"sigmoid", []>
// CHECK-NEXT: #pattern.activation<"hard_sigmoid", []>
// CHECK-NEXT: #pattern.activation<"silu", []>
// CHECK-NEXT: #pattern.activation<"hard_swish", []>
// CHECK-NEXT: #pattern.activation<"gelu", []>
// CHECK-NEXT: #pattern.activation<"gelu_tanh", []>
// CHECK-NEXT: #pattern.activation<"tanh", []>
// CHECK-NEXT: torch_c.from_builtin_tensor
// CHECK-NEXT: return
func.func @forward(%x: !torch.vtensor<[3],f32>) -> !torch.vtensor<[3],f32> {
  %none = torch.constant.none
  %low = torch.constant.float -1.0
  %one = torch.constant.int 1
  %two = torch.constant.float 2.0
  %exact = torch.constant.str "none"
  %approximate = torch.constant.str "tanh"
  %0 = torch.aten.relu %x : !torch.vtensor<[3],f32> -> !torch.vtensor<[3],f32>
  %1 = torch.aten.relu6 %0 : !torch.vtensor<[3],f32> -> !torch.vtensor<[3],f32>
  %2 = torch.aten.hardtanh %1, %low, %two : !torch.vtensor<[3],f32>, !torch.float, !torch.float -> !torch.vtensor<[3],f32>
  %3 = torch.aten.clamp %2, %low, %none : !torch.vtensor<[3],f32>, !torch.float, !torch.none -> !torch.vtensor<[3],f32>
  %4 = torch.aten.clamp %3, %none, %two : !torch.vtensor<[3],f32>, !torch.none, !torch.float -> !torch.vtensor<[3],f32>
  %5 = torch.aten.leaky_relu %4, %two : !torch.vtensor<[3],f32>, !torch.float -> !torch.vtensor<[3],f32>
  %6 = torch.aten.elu %5, %two, %one, %one : !torch.vtensor<[3],f32>, !torch.float, !torch.int, !torch.int -> !torch.vtensor<[3],f32>
  %7 = torch.aten.sigmoid %6 : !torch.vtensor<[3],f32> -> !torch.vtensor<[3],f32>
  %8 = torch.aten.hardsigmoid %7 : !torch.vtensor<[3],f32> -> !torch.vtensor<[3],f32>
  %9 = torch.aten.silu %8 : !torch.vtensor<[3],f32> -> !torch.vtensor<[3],f32>
  %10 = torch.aten.hardswish %9 : !torch.vtensor<[3],f32> -> !torch.vtensor<[3],f32>
  %11 = torch.aten.gelu %10, %exact : !torch.vtensor<[3],f32>, !torch.str -> !torch.vtensor<[3],f32>
  %12 = torch.aten.gelu %11, %approximate : !torch.vtensor<[3],f32>, !torch.str -> !torch.vtensor<[3],f32>
  %13 = torch.aten.tanh %12 : !torch.vtensor<[3],f32> -> !torch.vtensor<[3],f32>
  return %13 : !torch.vtensor<[3],f32>
}

// -----

// Pools. No strides are those of the window; a mean over the plane is a pool to one pixel.
// CHECK-LABEL: func.func @forward
// CHECK: "pattern.max_pool"(%{{.*}}) {ceil_mode, dilations = array<i64: 1, 1>, kernel_size = array<i64: 3, 2>, padding = array<i64: 1, 0, 1, 0>, strides = array<i64: 3, 2>}
// CHECK: "pattern.average_pool"(%{{.*}}) {count_include_pad, dilations = array<i64: 1, 1>, kernel_size = array<i64: 3, 2>, padding = array<i64: 1, 0, 1, 0>, strides = array<i64: 2, 2>}
// CHECK: "pattern.average_pool"(%{{.*}}) {dilations = array<i64: 1, 1>, divisor = 2 : i64, kernel_size
// CHECK: "pattern.adaptive_average_pool"(%{{.*}}) {output_size = array<i64: 2, 3>}
// CHECK: "pattern.adaptive_average_pool"(%{{.*}}) {output_size = array<i64: 1, 1>}
// CHECK: %[[MEAN:.*]] = "pattern.adaptive_average_pool"(%{{.*}}) {output_size = array<i64: 1, 1>}
// CHECK-NEXT: tensor.collapse_shape %[[MEAN]] {{.*}} into tensor<1x2xf32>
func.func @forward(%x: !torch.vtensor<[1,2,6,6],f32>) -> (!torch.vtensor<[1,2,3,3],f32>, !torch.vtensor<[1,2,3,3],f32>, !torch.vtensor<[1,2,3,3],f32>, !torch.vtensor<[1,2,2,3],f32>, !torch.vtensor<[1,2,1,1],f32>, !torch.vtensor<[1,2],f32>) {
  %none = torch.constant.none
  %true = torch.constant.bool true
  %false = torch.constant.bool false
  %c-1 = torch.constant.int -1
  %c0 = torch.constant.int 0
  %c1 = torch.constant.int 1
  %c2 = torch.constant.int 2
  %c3 = torch.constant.int 3
  %window = torch.prim.ListConstruct %c3, %c2 : (!torch.int, !torch.int) -> !torch.list<int>
  %nothing = torch.prim.ListConstruct : () -> !torch.list<int>
  %padding = torch.prim.ListConstruct %c1, %c0 : (!torch.int, !torch.int) -> !torch.list<int>
  %ones = torch.prim.ListConstruct %c1, %c1 : (!torch.int, !torch.int) -> !torch.list<int>
  %twos = torch.prim.ListConstruct %c2, %c2 : (!torch.int, !torch.int) -> !torch.list<int>
  %size = torch.prim.ListConstruct %c2, %c3 : (!torch.int, !torch.int) -> !torch.list<int>
  %plane = torch.prim.ListConstruct %c-1, %c2 : (!torch.int, !torch.int) -> !torch.list<int>
  %0 = torch.aten.max_pool2d %x, %window, %nothing, %padding, %ones, %true : !torch.vtensor<[1,2,6,6],f32>, !torch.list<int>, !torch.list<int>, !torch.list<int>, !torch.list<int>, !torch.bool -> !torch.vtensor<[1,2,3,3],f32>
  %1 = torch.aten.avg_pool2d %x, %window, %twos, %padding, %false, %true, %none : !torch.vtensor<[1,2,6,6],f32>, !torch.list<int>, !torch.list<int>, !torch.list<int>, !torch.bool, !torch.bool, !torch.none -> !torch.vtensor<[1,2,3,3],f32>
  %2 = torch.aten.avg_pool2d %x, %window, %twos, %padding, %false, %false, %c2 : !torch.vtensor<[1,2,6,6],f32>, !torch.list<int>, !torch.list<int>, !torch.list<int>, !torch.bool, !torch.bool, !torch.int -> !torch.vtensor<[1,2,3,3],f32>
  %3 = torch.aten.adaptive_avg_pool2d %x, %size : !torch.vtensor<[1,2,6,6],f32>, !torch.list<int> -> !torch.vtensor<[1,2,2,3],f32>
  %4 = torch.aten.mean.dim %x, %plane, %true, %none : !torch.vtensor<[1,2,6,6],f32>, !torch.list<int>, !torch.bool, !torch.none -> !torch.vtensor<[1,2,1,1],f32>
  %5 = torch.aten.mean.dim %x, %plane, %false, %none : !torch.vtensor<[1,2,6,6],f32>, !torch.list<int>, !torch.bool, !torch.none -> !torch.vtensor<[1,2],f32>
  return %0, %1, %2, %3, %4, %5 : !torch.vtensor<[1,2,3,3],f32>, !torch.vtensor<[1,2,3,3],f32>, !torch.vtensor<[1,2,3,3],f32>, !torch.vtensor<[1,2,2,3],f32>, !torch.vtensor<[1,2,1,1],f32>, !torch.vtensor<[1,2],f32>
}

// -----

// Linear layers, sums, products and concatenations, which become a chain of two at a time. Dropout
// that is not trained does nothing.
// CHECK-LABEL: func.func @forward
// CHECK: %[[LINEAR:.*]] = "pattern.linear"(%{{.*}}, %{{.*}}, %{{.*}}) : (tensor<2x3xf32>, tensor<3x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK: %[[SUM:.*]] = "pattern.add"(%[[LINEAR]], %{{.*}})
// CHECK-NEXT: %[[PRODUCT:.*]] = "pattern.multiply"(%[[SUM]], %[[LINEAR]])
// CHECK-NEXT: %[[TWO:.*]] = "pattern.concat"(%[[SUM]], %[[PRODUCT]]) {dimension = 1 : i64} {{.*}} -> tensor<2x6xf32>
// CHECK-NEXT: "pattern.concat"(%[[TWO]], %[[SUM]]) {dimension = 1 : i64} {{.*}} -> tensor<2x9xf32>
func.func @forward(%x: !torch.vtensor<[2,3],f32>) -> !torch.vtensor<[2,9],f32> {
  %w0 = "pattern.parameter"() {name = "w"} : () -> tensor<3x3xf32>
  %w = torch_c.from_builtin_tensor %w0 : tensor<3x3xf32> -> !torch.vtensor<[3,3],f32>
  %b0 = "pattern.parameter"() {name = "b"} : () -> tensor<3xf32>
  %b = torch_c.from_builtin_tensor %b0 : tensor<3xf32> -> !torch.vtensor<[3],f32>
  %false = torch.constant.bool false
  %c-1 = torch.constant.int -1
  %c1 = torch.constant.int 1
  %half = torch.constant.float 0.5
  %0 = torch.aten.linear %x, %w, %b : !torch.vtensor<[2,3],f32>, !torch.vtensor<[3,3],f32>, !torch.vtensor<[3],f32> -> !torch.vtensor<[2,3],f32>
  %1 = torch.aten.dropout %0, %half, %false : !torch.vtensor<[2,3],f32>, !torch.float, !torch.bool -> !torch.vtensor<[2,3],f32>
  %2 = torch.aten.add.Tensor %1, %x, %c1 : !torch.vtensor<[2,3],f32>, !torch.vtensor<[2,3],f32>, !torch.int -> !torch.vtensor<[2,3],f32>
  %3 = torch.aten.mul.Tensor %2, %1 : !torch.vtensor<[2,3],f32>, !torch.vtensor<[2,3],f32> -> !torch.vtensor<[2,3],f32>
  %list = torch.prim.ListConstruct %2, %3, %2 : (!torch.vtensor<[2,3],f32>, !torch.vtensor<[2,3],f32>, !torch.vtensor<[2,3],f32>) -> !torch.list<vtensor>
  %4 = torch.aten.cat %list, %c-1 : !torch.list<vtensor>, !torch.int -> !torch.vtensor<[2,9],f32>
  return %4 : !torch.vtensor<[2,9],f32>
}

// -----

// Upsampling, by size and by factor; `scales` are input pixels an output pixel.
// CHECK-LABEL: func.func @forward
// CHECK: "pattern.upsample"(%{{.*}}) {mode = "nearest"} : (tensor<1x2x6x6xf32>) -> tensor<1x2x9x9xf32>
// CHECK: "pattern.upsample"(%{{.*}}) {mode = "nearest", scales = array<f64: 5.000000e-01, 5.000000e-01>} : (tensor<1x2x6x6xf32>) -> tensor<1x2x12x12xf32>
// CHECK: "pattern.upsample"(%{{.*}}) {align_corners, mode = "bilinear"} : (tensor<1x2x6x6xf32>) -> tensor<1x2x9x9xf32>
// CHECK: "pattern.upsample"(%{{.*}}) {mode = "bilinear", scales = array<f64: 5.000000e-01, 5.000000e-01>} : (tensor<1x2x6x6xf32>) -> tensor<1x2x12x12xf32>
func.func @forward(%x: !torch.vtensor<[1,2,6,6],f32>) -> (!torch.vtensor<[1,2,9,9],f32>, !torch.vtensor<[1,2,12,12],f32>, !torch.vtensor<[1,2,9,9],f32>, !torch.vtensor<[1,2,12,12],f32>) {
  %none = torch.constant.none
  %true = torch.constant.bool true
  %false = torch.constant.bool false
  %c9 = torch.constant.int 9
  %c12 = torch.constant.int 12
  %two = torch.constant.float 2.0
  %size = torch.prim.ListConstruct %c9, %c9 : (!torch.int, !torch.int) -> !torch.list<int>
  %double = torch.prim.ListConstruct %c12, %c12 : (!torch.int, !torch.int) -> !torch.list<int>
  %factors = torch.prim.ListConstruct %two, %two : (!torch.float, !torch.float) -> !torch.list<float>
  %0 = torch.aten.upsample_nearest2d.vec %x, %size, %none : !torch.vtensor<[1,2,6,6],f32>, !torch.list<int>, !torch.none -> !torch.vtensor<[1,2,9,9],f32>
  %1 = torch.aten.upsample_nearest2d %x, %double, %two, %two : !torch.vtensor<[1,2,6,6],f32>, !torch.list<int>, !torch.float, !torch.float -> !torch.vtensor<[1,2,12,12],f32>
  %2 = torch.aten.upsample_bilinear2d %x, %size, %true, %none, %none : !torch.vtensor<[1,2,6,6],f32>, !torch.list<int>, !torch.bool, !torch.none, !torch.none -> !torch.vtensor<[1,2,9,9],f32>
  %3 = torch.aten.upsample_bilinear2d.vec %x, %none, %false, %factors : !torch.vtensor<[1,2,6,6],f32>, !torch.none, !torch.bool, !torch.list<float> -> !torch.vtensor<[1,2,12,12],f32>
  return %0, %1, %2, %3 : !torch.vtensor<[1,2,9,9],f32>, !torch.vtensor<[1,2,12,12],f32>, !torch.vtensor<[1,2,9,9],f32>, !torch.vtensor<[1,2,12,12],f32>
}
