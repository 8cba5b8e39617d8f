// RUN: pattern-opt --pattern-plan-memory --split-input-file --verify-diagnostics %s
// RUN: not pattern-opt --pattern-plan-memory=alignment=48 %s 2>&1 | filecheck %s
// CHECK: pattern-opt: error: pattern-plan-memory: alignment must be a power of 2 of at least 8, got 48

// A plan is made at compile time.
func.func @dynamic(%n: index, %out: memref<?xf32>) {
  // expected-error @+1 {{pattern-plan-memory: cannot plan a buffer of dynamic shape memref<?xf32>; export with fixed input sizes}}
  %a = memref.alloc(%n) : memref<?xf32>
  memref.copy %a, %out : memref<?xf32> to memref<?xf32>
  return
}

// -----

// Lifetimes are places in one block.
// expected-error @+1 {{pattern-plan-memory: branches between blocks; run the pass before convert-scf-to-cf}}
func.func @branches() {
  cf.br ^next
^next:
  return
}
