// RUN: pattern-opt --pattern-results-to-arguments --verify-diagnostics %s

// expected-error @+1 {{pattern-results-to-arguments: the module has 0 public functions; a network is exactly one, make the others private}}
module {
}
