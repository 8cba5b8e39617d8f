// RUN: pattern-opt --convert-torch-to-pattern --split-input-file --verify-diagnostics %s

// A network is one function; what it calls is private.
// expected-error @+1 {{convert-torch-to-pattern: the module has 2 public functions; a network is exactly one, make the others private}}
module {
  func.func @first(%x: !torch.vtensor<[2],f32>) -> !torch.vtensor<[2],f32> {
    return %x : !torch.vtensor<[2],f32>
  }
  func.func public @second(%x: !torch.vtensor<[2],f32>) -> !torch.vtensor<[2],f32> {
    return %x : !torch.vtensor<[2],f32>
  }
}

// -----

// expected-error @+1 {{convert-torch-to-pattern: the module has 0 public functions; a network is exactly one}}
module {
  func.func private @helper(%x: !torch.vtensor<[2],f32>) -> !torch.vtensor<[2],f32> {
    return %x : !torch.vtensor<[2],f32>
  }
  func.func private @declared(!torch.vtensor<[2],f32>) -> !torch.vtensor<[2],f32>
}
