// REQUIRES: lld
// RUN: rm -rf %t.net
// RUN: pattern-opt %s --target=aarch64-linux-android --cpu=cortex-a76 --emit=library --name=net --weights=file -o %t.net
// RUN: ls %t.net | filecheck %s
// RUN: not pattern-opt %s --target=host --emit=library 2>&1 | filecheck %s --check-prefix=OUTPUT
// RUN: not pattern-opt %s --target=host --emit=library --name=a-b -o %t.other 2>&1 | filecheck %s --check-prefix=NAME
// RUN: not pattern-opt %s --target=host --emit=library --weights=nowhere -o %t.other 2>&1 | filecheck %s --check-prefix=WEIGHTS
// RUN: not pattern-opt %s --target=host --emit=package --name=net -o %t.other 2>&1 | filecheck %s --check-prefix=PACKAGE
// RUN: not pattern-opt %s --target=arm64-apple-ios --emit=library -o %t.other 2>&1 | filecheck %s --check-prefix=APPLE
// RUN: not pattern-opt %s --target=host --emit=library -o %s 2>&1 | filecheck %s --check-prefix=FOLDER

// CHECK: {{^}}libnet.a
// CHECK-NEXT: libnet.so
// CHECK-NEXT: net.h
// CHECK-NEXT: net.hpp
// CHECK-NEXT: net.weights
// OUTPUT: {{^}}pattern-opt: error: --emit=library needs an input file, --target and -o
// NAME: {{^}}pattern-opt: error: 'a-b' cannot be the name of a library
// WEIGHTS: {{^}}pattern-opt: error: {{.*}}'nowhere'
// PACKAGE: {{^}}pattern-opt: error: --name and --weights go with --emit=library
// APPLE: {{^}}pattern-opt: error: no library can be made for arm64-apple-ios{{.*}}; --emit=obj writes an object file
// FOLDER: {{^}}pattern-opt: error: '{{.*}}library.mlir' is no folder of this library (a file); choose a new folder
func.func @forward(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %y = "pattern.activate"(%x) {function = #pattern.activation<"relu", []>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}
