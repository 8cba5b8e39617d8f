func.func @another_message(%x: tensor<2xi32>) -> tensor<2xi32> {
  // expected-error @+1 {{computes with integers only}}
  %0 = "pattern.add"(%x, %x) : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return %0 : tensor<2xi32>
}

// -----

func.func @another_line(%x: tensor<2xi32>) -> tensor<2xi32> {
  // expected-error @+2 {{computes with floats only}}
  %0 = "pattern.add"(%x, %x) : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return %0 : tensor<2xi32>
}

// -----

func.func @another_kind(%x: tensor<2xi32>) -> tensor<2xi32> {
  // expected-warning @+1 {{computes with floats only}}
  %0 = "pattern.add"(%x, %x) : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return %0 : tensor<2xi32>
}

// -----

// expected-error @+1 {{computes with floats only}}
func.func @no_error(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}

// -----

func.func @no_expectation(%x: tensor<2xi32>) -> tensor<2xi32> {
  %0 = "pattern.add"(%x, %x) : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return %0 : tensor<2xi32>
}
