"""What the benchmarks share: networks, peers, workers, rounds of timing, and results."""
