// RUN: pattern-opt --split-input-file --mlir-print-debuginfo --convert-torch-to-pattern %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --split-input-file --mlir-print-debuginfo --convert-torch-to-pattern %t.once | diff %t.once -

// What has no pattern form stays as it is, and the module says where: by the name that the location
// gives, or by file and line.

// An operation that the dialect does not have, between two that it has. Views compute nothing and
// are no fallbacks; nor is what nobody uses.
// CHECK: module attributes {pattern.fallbacks = ["aten.softmax.int at head", "aten.softmax.int at model.py:3:5"]}
// CHECK-LABEL: func.func @forward
// CHECK: %[[X:.*]] = torch_c.to_builtin_tensor %arg0
// CHECK-NEXT: %[[RELU:.*]] = "pattern.activate"(%[[X]])
// CHECK-NEXT: %[[IN:.*]] = torch_c.from_builtin_tensor %[[RELU]]
// CHECK: %[[SOFTMAX:.*]] = torch.aten.softmax.int %[[IN]]
// CHECK: torch.aten.softmax.int %[[SOFTMAX]]
// CHECK: torch.aten.softmax.int
// CHECK: torch.aten.view
// CHECK: %[[OUT:.*]] = torch_c.to_builtin_tensor
// CHECK-NEXT: "pattern.activate"(%[[OUT]])
func.func @forward(%x: !torch.vtensor<[2,3],f32>) -> !torch.vtensor<[6],f32> {
  %none = torch.constant.none
  %c0 = torch.constant.int 0
  %c6 = torch.constant.int 6
  %shape = torch.prim.ListConstruct %c6 : (!torch.int) -> !torch.list<int>
  %0 = torch.aten.relu %x : !torch.vtensor<[2,3],f32> -> !torch.vtensor<[2,3],f32>
  %1 = torch.aten.softmax.int %0, %c0, %none : !torch.vtensor<[2,3],f32>, !torch.int, !torch.none -> !torch.vtensor<[2,3],f32> loc("head"("model.py":2:5))
  %2 = torch.aten.softmax.int %1, %c0, %none : !torch.vtensor<[2,3],f32>, !torch.int, !torch.none -> !torch.vtensor<[2,3],f32> loc("model.py":3:5)
  %unused = torch.aten.softmax.int %2, %c0, %none : !torch.vtensor<[2,3],f32>, !torch.int, !torch.none -> !torch.vtensor<[2,3],f32> loc("unused")
  %3 = torch.aten.view %2, %shape : !torch.vtensor<[2,3],f32>, !torch.list<int> -> !torch.vtensor<[6],f32>
  %4 = torch.aten.tanh %3 : !torch.vtensor<[6],f32> -> !torch.vtensor<[6],f32>
  return %4 : !torch.vtensor<[6],f32>
}

// -----

// Values that the dialect does not compute with: unknown sizes, integers, bounds that are known at
// run time only.
// CHECK: module attributes {pattern.fallbacks = ["aten.relu at dynamic", "aten.relu at integers", "aten.clamp at bound"]}
// CHECK-LABEL: func.func @forward
// CHECK-NOT: "pattern.
// CHECK: return
func.func @forward(%x: !torch.vtensor<[?,3],f32>, %n: !torch.vtensor<[3],si64>, %y: !torch.vtensor<[3],f32>, %bound: !torch.float) -> (!torch.vtensor<[?,3],f32>, !torch.vtensor<[3],si64>, !torch.vtensor<[3],f32>) {
  %none = torch.constant.none
  %0 = torch.aten.relu %x : !torch.vtensor<[?,3],f32> -> !torch.vtensor<[?,3],f32> loc("dynamic")
  %1 = torch.aten.relu %n : !torch.vtensor<[3],si64> -> !torch.vtensor<[3],si64> loc("integers")
  %2 = torch.aten.clamp %y, %bound, %none : !torch.vtensor<[3],f32>, !torch.float, !torch.none -> !torch.vtensor<[3],f32> loc("bound")
  return %0, %1, %2 : !torch.vtensor<[?,3],f32>, !torch.vtensor<[3],si64>, !torch.vtensor<[3],f32>
}

// -----

// Forms of operations that the dialect has no form for: a convolution of volumes and a transposed
// one that is written in general, a scaled sum, one of different types and of rank 0, a scaled ELU, a
// pool whose indices are read, a mean over channels, dropout in training.
// CHECK: pattern.fallbacks = ["aten.convolution at volumes", "aten.convolution at transposed", "aten.add.Tensor at scaled", "aten.add.Tensor at types", "aten.add.Tensor at ranks", "aten.elu at elu", "aten.max_pool2d_with_indices at indices", "aten.mean.dim at channels", "aten.dropout at training"]
// CHECK-LABEL: func.func @forward
// CHECK-NOT: "pattern.{{(conv|add|activate|max_pool|adaptive_average_pool)}}"
// CHECK: return
func.func @forward(%x: !torch.vtensor<[1,2,6,6],f32>, %d: !torch.vtensor<[1,2,6,6],f64>, %volume: !torch.vtensor<[1,2,6,6,6],f32>, %number: !torch.vtensor<[],f32>) -> (!torch.vtensor<[1,2,6,6,6],f32>, !torch.vtensor<[1,2,6,6],f32>, !torch.vtensor<[1,2,6,6],f32>, !torch.vtensor<[1,2,6,6],f64>, !torch.vtensor<[1,2,6,6],f32>, !torch.vtensor<[1,2,6,6],f32>, !torch.vtensor<[1,2,6,6],f32>, !torch.vtensor<[1,2,6,6],si64>, !torch.vtensor<[1,1,6,6],f32>, !torch.vtensor<[1,2,6,6],f32>) {
  %v0 = "pattern.parameter"() {name = "v"} : () -> tensor<2x2x1x1x1xf32>
  %v = torch_c.from_builtin_tensor %v0 : tensor<2x2x1x1x1xf32> -> !torch.vtensor<[2,2,1,1,1],f32>
  %w0 = "pattern.parameter"() {name = "w"} : () -> tensor<2x2x1x1xf32>
  %w = torch_c.from_builtin_tensor %w0 : tensor<2x2x1x1xf32> -> !torch.vtensor<[2,2,1,1],f32>
  %none = torch.constant.none
  %true = torch.constant.bool true
  %false = torch.constant.bool false
  %c0 = torch.constant.int 0
  %c1 = torch.constant.int 1
  %c2 = torch.constant.int 2
  %half = torch.constant.float 0.5
  %one = torch.prim.ListConstruct %c1 : (!torch.int) -> !torch.list<int>
  %three = torch.prim.ListConstruct %c1, %c1, %c1 : (!torch.int, !torch.int, !torch.int) -> !torch.list<int>
  %zero = torch.prim.ListConstruct %c0, %c0, %c0 : (!torch.int, !torch.int, !torch.int) -> !torch.list<int>
  %ones = torch.prim.ListConstruct %c1, %c1 : (!torch.int, !torch.int) -> !torch.list<int>
  %zeros = torch.prim.ListConstruct %c0, %c0 : (!torch.int, !torch.int) -> !torch.list<int>
  %0 = torch.aten.convolution %volume, %v, %none, %three, %zero, %three, %false, %zero, %c1 : !torch.vtensor<[1,2,6,6,6],f32>, !torch.vtensor<[2,2,1,1,1],f32>, !torch.none, !torch.list<int>, !torch.list<int>, !torch.list<int>, !torch.bool, !torch.list<int>, !torch.int -> !torch.vtensor<[1,2,6,6,6],f32> loc("volumes")
  %1 = torch.aten.convolution %x, %w, %none, %ones, %zeros, %ones, %true, %zeros, %c1 : !torch.vtensor<[1,2,6,6],f32>, !torch.vtensor<[2,2,1,1],f32>, !torch.none, !torch.list<int>, !torch.list<int>, !torch.list<int>, !torch.bool, !torch.list<int>, !torch.int -> !torch.vtensor<[1,2,6,6],f32> loc("transposed")
  %2 = torch.aten.add.Tensor %x, %x, %c2 : !torch.vtensor<[1,2,6,6],f32>, !torch.vtensor<[1,2,6,6],f32>, !torch.int -> !torch.vtensor<[1,2,6,6],f32> loc("scaled")
  %3 = torch.aten.add.Tensor %x, %d, %c1 : !torch.vtensor<[1,2,6,6],f32>, !torch.vtensor<[1,2,6,6],f64>, !torch.int -> !torch.vtensor<[1,2,6,6],f64> loc("types")
  %4 = torch.aten.add.Tensor %x, %number, %c1 : !torch.vtensor<[1,2,6,6],f32>, !torch.vtensor<[],f32>, !torch.int -> !torch.vtensor<[1,2,6,6],f32> loc("ranks")
  %5 = torch.aten.elu %x, %half, %half, %c1 : !torch.vtensor<[1,2,6,6],f32>, !torch.float, !torch.float, !torch.int -> !torch.vtensor<[1,2,6,6],f32> loc("elu")
  %6, %indices = torch.aten.max_pool2d_with_indices %x, %ones, %ones, %zeros, %ones, %false : !torch.vtensor<[1,2,6,6],f32>, !torch.list<int>, !torch.list<int>, !torch.list<int>, !torch.list<int>, !torch.bool -> !torch.vtensor<[1,2,6,6],f32>, !torch.vtensor<[1,2,6,6],si64> loc("indices")
  %7 = torch.aten.mean.dim %x, %one, %true, %none : !torch.vtensor<[1,2,6,6],f32>, !torch.list<int>, !torch.bool, !torch.none -> !torch.vtensor<[1,1,6,6],f32> loc("channels")
  %8 = torch.aten.dropout %x, %half, %true : !torch.vtensor<[1,2,6,6],f32>, !torch.float, !torch.bool -> !torch.vtensor<[1,2,6,6],f32> loc("training")
  return %0, %1, %2, %3, %4, %5, %6, %indices, %7, %8 : !torch.vtensor<[1,2,6,6,6],f32>, !torch.vtensor<[1,2,6,6],f32>, !torch.vtensor<[1,2,6,6],f32>, !torch.vtensor<[1,2,6,6],f64>, !torch.vtensor<[1,2,6,6],f32>, !torch.vtensor<[1,2,6,6],f32>, !torch.vtensor<[1,2,6,6],f32>, !torch.vtensor<[1,2,6,6],si64>, !torch.vtensor<[1,1,6,6],f32>, !torch.vtensor<[1,2,6,6],f32>
}

// -----

// Padding by another number, or that something else reads too, is an operation of its own: the
// first is a fallback, the second stands beside the convolution that took it in.
// CHECK: pattern.fallbacks = ["aten.constant_pad_nd at ones", "aten.constant_pad_nd at zeros"]
// CHECK-LABEL: func.func @forward
// CHECK: %[[ONES:.*]] = torch.aten.constant_pad_nd
// CHECK: %[[CAST:.*]] = torch_c.to_builtin_tensor %[[ONES]]
// CHECK: "pattern.conv"(%[[CAST]], %{{.*}}) {{{.*}}padding = array<i64: 0, 0, 0, 0>
// CHECK: torch.aten.constant_pad_nd
// CHECK: %[[X:.*]] = torch_c.to_builtin_tensor %arg0
// CHECK: "pattern.conv"(%[[X]], %{{.*}}) {{{.*}}padding = array<i64: 1, 1, 1, 1>
func.func @forward(%x: !torch.vtensor<[1,2,6,6],f32>) -> (!torch.vtensor<[1,4,8,8],f32>, !torch.vtensor<[1,4,8,8],f32>, !torch.vtensor<[1,2,8,8],f32>) {
  %0 = "pattern.parameter"() {name = "w"} : () -> tensor<4x2x1x1xf32>
  %w = torch_c.from_builtin_tensor %0 : tensor<4x2x1x1xf32> -> !torch.vtensor<[4,2,1,1],f32>
  %none = torch.constant.none
  %c0 = torch.constant.int 0
  %c1 = torch.constant.int 1
  %f0 = torch.constant.float 0.0
  %f1 = torch.constant.float 1.0
  %ones = torch.prim.ListConstruct %c1, %c1 : (!torch.int, !torch.int) -> !torch.list<int>
  %zeros = torch.prim.ListConstruct %c0, %c0 : (!torch.int, !torch.int) -> !torch.list<int>
  %pads = torch.prim.ListConstruct %c1, %c1, %c1, %c1 : (!torch.int, !torch.int, !torch.int, !torch.int) -> !torch.list<int>
  %1 = torch.aten.constant_pad_nd %x, %pads, %f1 : !torch.vtensor<[1,2,6,6],f32>, !torch.list<int>, !torch.float -> !torch.vtensor<[1,2,8,8],f32> loc("ones")
  %2 = torch.aten.conv2d %1, %w, %none, %ones, %zeros, %ones, %c1 : !torch.vtensor<[1,2,8,8],f32>, !torch.vtensor<[4,2,1,1],f32>, !torch.none, !torch.list<int>, !torch.list<int>, !torch.list<int>, !torch.int -> !torch.vtensor<[1,4,8,8],f32>
  %3 = torch.aten.constant_pad_nd %x, %pads, %f0 : !torch.vtensor<[1,2,6,6],f32>, !torch.list<int>, !torch.float -> !torch.vtensor<[1,2,8,8],f32> loc("zeros")
  %4 = torch.aten.conv2d %3, %w, %none, %ones, %zeros, %ones, %c1 : !torch.vtensor<[1,2,8,8],f32>, !torch.vtensor<[4,2,1,1],f32>, !torch.none, !torch.list<int>, !torch.list<int>, !torch.list<int>, !torch.int -> !torch.vtensor<[1,4,8,8],f32>
  return %2, %4, %3 : !torch.vtensor<[1,4,8,8],f32>, !torch.vtensor<[1,4,8,8],f32>, !torch.vtensor<[1,2,8,8],f32>
}
