// RUN: pattern-opt --convert-layers-to-abi --split-input-file --verify-diagnostics %s

// The layers are outlined,
// expected-error @+1 {{convert-layers-to-abi: the module has no layers; run pattern-outline-layers before}}
module {
}

// -----

// in the LLVM dialect,
// expected-error @+1 {{convert-layers-to-abi: layer @layer_0 is no llvm.func; run convert-func-to-llvm before}}
module attributes {pattern.layers = [@layer_0]} {
  func.func @layer_0(%arena: memref<64xi8>, %weights: memref<64xi8>, %lo: index, %hi: index) {
    return
  }
}

// -----

// and take bare pointers.
module attributes {pattern.layers = [@layer_0]} {
  // expected-error @+1 {{convert-layers-to-abi: takes no bare pointers and two bounds; run convert-func-to-llvm{use-bare-ptr-memref-call-conv=1}}}
  llvm.func @layer_0(%pointer: !llvm.ptr, %aligned: !llvm.ptr, %offset: i64, %lo: i64, %hi: i64) {
    llvm.return
  }
}
