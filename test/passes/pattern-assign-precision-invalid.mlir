// RUN: not pattern-opt --pattern-assign-precision=precision=f61 %s 2>&1 | filecheck %s --check-prefix=NAME

// NAME: pattern-opt: error: unknown precision 'f61'; did you mean 'f16'? (known: f32, f16-linear-weights, f16-acc32, f16)
