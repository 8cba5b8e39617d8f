"""Time this project and its peers on the same weights and inputs, in one run.

Usage: python bench/peers.py [--networks NAME…] [--peers NAME…] [--threads 1 2]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

import pattern_mlir
from harness import pages, plots, results, tables
from harness.contenders import PEERS
from harness.environments import available_cores
from harness.goals import verdicts
from harness.networks import CASES
from harness.session import Settings, measure

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Measure, and write tables, JSON, a plot and pages."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--threads", nargs="+", type=int, choices=(1, 2), default=[1, 2])
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--cores", nargs="+", type=int, default=available_cores(), help="pinned to")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks")
    arguments = parser.parse_args()
    if arguments.repetitions < 1:
        parser.error("--repetitions must be at least 1")
    if len(arguments.cores) < max(arguments.threads):
        parser.error(f"{max(arguments.threads)} threads need as many --cores")
    arguments.work.mkdir(parents=True, exist_ok=True)
    console = Console(highlight=False, width=130)
    settings = Settings(
        arguments.peers,
        arguments.threads,
        arguments.repetitions,
        arguments.cores,
        arguments.work,
        lambda line: console.print(line, markup=False),
    )
    console.print("timing kernels of this project, for its predictions")
    pattern_mlir.calibrate()
    for name in arguments.networks:
        result = measure(CASES[name], settings)
        results.save(result, arguments.output)
        for run in result.runs:
            tables.contenders(run).show(console, f"{result.title}, {run.threads} thread(s)")
            console.print(tables.closing_line(result, run))
    found = pages.results_in(arguments.output)
    tables.goals(verdicts(found)).show(console, "Goals")
    plots.peers(found, arguments.output / "peers.png")
    pages.write(arguments.output, arguments.output.with_suffix(".md"))
    console.print(f"results: {arguments.output}")


if __name__ == "__main__":
    main()
