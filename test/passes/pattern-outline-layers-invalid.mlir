// RUN: pattern-opt --pattern-outline-layers --split-input-file --verify-diagnostics %s

// A network has an arena and weights before its layers get functions of their own.
// expected-error @+1 {{pattern-outline-layers: needs an arena and weights; run pattern-pack-weights, pattern-plan-memory}}
func.func @unplanned(%x: memref<8xf32>, %weights: memref<64xi8> {pattern.buffer = "weights"}) {
  return
}

// -----

// Results are written to buffers that the caller gives.
func.func @returns(%weights: memref<64xi8> {pattern.buffer = "weights"}, %arena: memref<64xi8> {pattern.buffer = "arena"}) -> memref<64xi8> {
  // expected-error @+1 {{pattern-outline-layers: the network returns values; run pattern-results-to-arguments before}}
  return %weights : memref<64xi8>
}

// -----

// Loops are loops still.
// expected-error @+1 {{pattern-outline-layers: branches between blocks; run the pass before convert-scf-to-cf}}
func.func @branches(%weights: memref<64xi8> {pattern.buffer = "weights"}, %arena: memref<64xi8> {pattern.buffer = "arena"}) {
  cf.br ^next
^next:
  return
}
