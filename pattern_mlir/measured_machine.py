"""The machine model of a processor that no table knows: measured once, then read from a file."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import platformdirs

from pattern_mlir.cost import Machine
from pattern_mlir.parameters import atomic_file
from pattern_mlir.processors import AVX512
from pattern_mlir.runtime.peak import vector_lanes
from pattern_mlir.runtime.rates import Rates, measure_rates

VERSION = 1
"""Of what is measured and how; files of other versions are written anew."""

AT_RANDOM = (0.94, 0.75)
"""Kernels jump from plane to plane: their share of the rate of one long read from the second cache
and from beyond, as measured on an AMD EPYC (Zen 4)."""


def measured_machine(folder: Path | None = None) -> Machine:
    """Return the model of this processor; the first call takes a fifth of a second to measure it.

    ``folder`` is where the file is kept, the user's cache unless given. Remove the file to measure
    again.
    """
    lanes = vector_lanes()
    path = measurement_path(folder)
    rates = _read(path)
    if rates is None:
        rates = measure_rates(lanes)
        _write(path, rates)
    return machine_of(rates, lanes)


def measurement_path(folder: Path | None = None) -> Path:
    """Return the file with what was measured of this processor."""
    import llvmlite.binding as llvm

    name = f"{llvm.get_host_cpu_name()}-{vector_lanes()}.json"
    return (folder or platformdirs.user_cache_path("pattern_mlir") / "processors") / name


def machine_of(rates: Rates, lanes: int) -> Machine:
    """Return the model of a processor with vectors of ``lanes`` that has ``rates``.

    Its cycle is the time in which ``Machine.multiplications_a_cycle`` can start.
    """
    machine = AVX512 if lanes == AVX512.lanes else Machine(lanes, 32 if lanes == 4 else 16)
    pace = machine.multiplications_a_cycle
    second, beyond = (
        rate * share for rate, share in zip((rates.second, rates.beyond), AT_RANDOM, strict=True)
    )
    caches = (
        (rates.first_bytes, rates.first),
        (3 * rates.first_bytes, (rates.first + second) / 2),
        (rates.second_bytes, second),
        (math.inf, beyond),
    )
    return replace(
        machine,
        load_cycles=4 * lanes / rates.first,
        latency=max(1, round(rates.latency / pace)),
        cache_rates=tuple((size, rate * pace) for size, rate in caches),
    )


def _read(path: Path) -> Rates | None:
    """Return what ``path`` holds, None where that is nothing that this version wrote."""
    try:
        fields = json.loads(path.read_text())
        return Rates(**fields["rates"]) if fields["version"] == VERSION else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, rates: Rates) -> None:
    """Keep ``rates`` where that is possible; a folder that cannot be written only costs time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps({"version": VERSION, "rates": asdict(rates)}))
    except OSError:
        return
