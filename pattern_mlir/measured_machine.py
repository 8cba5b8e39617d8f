"""The machine model of a processor that no table knows: measured once, then read from a file.

`pattern_mlir.calibration` adds to the file what kernels took.
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import platformdirs

from pattern_mlir.cost import Machine
from pattern_mlir.parameters import atomic_file
from pattern_mlir.processors import AVX512
from pattern_mlir.runtime.peak import vector_lanes
from pattern_mlir.runtime.rates import Rates, measure_rates

VERSION = 7
"""Of what is measured, and of the model that it corrects; other files are written anew."""

AT_RANDOM = (0.94, 0.75)
"""Kernels jump from plane to plane: their share of the rate of one long read from the second cache
and from beyond, as measured on an AMD EPYC (Zen 4)."""

SHORTER_PAYS = 1.5
"""Vectors of half the length start so many times as often where they are worth using."""

PERMUTING = 1.14
"""`Machine.permuting_units` of units that take whole vectors, as measured on an Intel Ice Lake."""


@dataclass(frozen=True)
class Measurements:
    """What was measured of a processor.

    Attributes:
        rates: what a core reads and multiplies.
        corrections: see `Machine.corrections`; none until the processor is calibrated.
    """

    rates: Rates
    corrections: tuple[tuple[str, float], ...] = ()


def measured_machine(folder: Path | None = None) -> Machine:
    """Return the model of this processor; the first call takes a second to measure it.

    ``folder`` is where the file is kept, the user's cache unless given. Remove the file to measure
    again.
    """
    return machine_of(measurements(folder), vector_lanes())


def measurements(folder: Path | None = None) -> Measurements:
    """Return what is known of this processor: from the file, or measured now and kept there.

    A process reads the file once: passes that saw different models would not fit together.
    """
    return _known(measurement_path(folder))


@functools.cache
def _known(path: Path) -> Measurements:
    found = _read(path)
    if found is None:
        found = Measurements(measure_rates(vector_lanes()))
        with contextlib.suppress(OSError):  # a folder that cannot be written only costs time
            _write(path, found)
    return found


def keep(found: Measurements, folder: Path | None = None) -> None:
    """Write ``found`` to the file, for this process and later ones; OSError where it cannot be."""
    _write(measurement_path(folder), found)
    _known.cache_clear()


def measurement_path(folder: Path | None = None) -> Path:
    """Return the file with what was measured of this processor."""
    import llvmlite.binding as llvm

    name = f"{llvm.get_host_cpu_name()}-{vector_lanes()}.json"
    return (folder or platformdirs.user_cache_path("pattern_mlir") / "processors") / name


def machine_of(found: Measurements, lanes: int) -> Machine:
    """Return the model of a processor with vectors of ``lanes`` of which this was ``found``.

    Its cycle is the time in which ``Machine.multiplications_a_cycle`` can start.
    """
    rates = found.rates
    machine = AVX512 if lanes == AVX512.lanes else Machine(lanes, 32 if lanes == 4 else 16)
    if machine.unit_lanes < lanes and rates.half_vectors < SHORTER_PAYS:
        # Its units take whole vectors: a cycle is what one unit needs.
        machine = replace(machine, units=1, unit_lanes=lanes, permuting_units=PERMUTING)
    pace = machine.multiplications_a_cycle
    second, beyond = (
        rate * share for rate, share in zip((rates.second, rates.beyond), AT_RANDOM, strict=True)
    )
    caches = (
        (rates.first_bytes, rates.first),
        (3 * rates.first_bytes, 2 / (1 / rates.first + 1 / second)),
        (rates.second_bytes, second),
        (math.inf, beyond),
    )
    return replace(
        machine,
        load_cycles=4 * lanes / rates.first,
        latency=max(1, round(rates.latency / pace)),
        cache_rates=tuple((size, rate * pace) for size, rate in caches),
        stream_rates=(
            (rates.second_bytes, second * pace),
            (math.inf, rates.beyond * pace),
        ),
        corrections=found.corrections,
    )


def _read(path: Path) -> Measurements | None:
    """Return what ``path`` holds, None where that is nothing that this version wrote."""
    try:
        fields = json.loads(path.read_text())
        if fields["version"] != VERSION:
            return None
        corrections = sorted((str(kind), float(own)) for kind, own in fields["corrections"].items())
        return Measurements(Rates(**fields["rates"]), tuple(corrections))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _write(path: Path, found: Measurements) -> None:
    fields = {
        "version": VERSION,
        "rates": asdict(found.rates),
        "corrections": dict(found.corrections),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(fields))
