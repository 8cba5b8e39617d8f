"""How much faster than its peers this project is meant to be, and whether it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.contenders import HALF_LINEAR, OURS
from harness.results import CaseResult, Entry, LayerRow, Run

Opponents = Callable[[Entry], bool]


def _of(*peers: str) -> Opponents:
    return lambda entry: entry.peer in peers and not entry.sparse


def _dense(entry: Entry) -> bool:
    return entry.peer != OURS and not entry.sparse


def _without_winograd(entry: Entry) -> bool:
    return _dense(entry) and not entry.winograd


def _sparse(entry: Entry) -> bool:
    return entry.sparse


@dataclass(frozen=True)
class Goal:
    """A ratio to reach: the best opponent's median over ours, in one run with one thread.

    Attributes:
        case: name of the case.
        against: who the opponents are, in words.
        opponents: who they are.
        least: the ratio.
        ours: which contender of this project is compared.
    """

    case: str
    against: str
    opponents: Opponents
    least: float
    ours: str = OURS


FRAMEWORKS = ("best of PyTorch, OpenVINO", _of("pytorch", "openvino"))
MOBILE = ("best of ncnn, MNN", _of("ncnn", "mnn"))
SPARSE = ("best of DeepSparse, MNN's sparse encoding", _sparse)
DENSE = ("best dense peer", _dense)
PLAIN = ("best peer without Winograd", _without_winograd)

GOALS = (
    Goal("vgg16-convolutions", *FRAMEWORKS, 7.0),
    Goal("vgg16-convolutions", *MOBILE, 2.7),
    Goal("vgg16-convolutions", *SPARSE, 2.0),
    Goal("vgg16", *FRAMEWORKS, 4.0),
    Goal("vgg16", *MOBILE, 1.9),
    Goal("vgg16", *FRAMEWORKS, 4.0, HALF_LINEAR),
    Goal("vgg16", *MOBILE, 1.9, HALF_LINEAR),
    Goal("resnet18", *FRAMEWORKS, 3.5),
    Goal("resnet18", *MOBILE, 2.4),
    Goal("resnet18", *SPARSE, 1.9),
    Goal("resnet50", *DENSE, 2.3),
    Goal("mobilenet-v2", *DENSE, 1.5),
    Goal("resnet18-dense", *PLAIN, 0.8),
    Goal("resnet50-dense", *PLAIN, 0.8),
    Goal("mobilenet-v2-dense", *PLAIN, 0.8),
    Goal("vgg16-cifar", *DENSE, 4.0),
    Goal("vgg16-cifar", *SPARSE, 3.5),
)


@dataclass(frozen=True)
class LayerGoal:
    """A fraction of the processor's peak that every layer of a kind is to reach.

    Attributes:
        kind: as in `LayerRow`.
        sides: the smallest and the largest side of the result, in pixels.
        least: the fraction.
    """

    kind: str
    sides: tuple[int, int]
    least: float

    def holds_for(self, layer: LayerRow) -> bool:
        """Return whether it says something of ``layer``."""
        smallest, largest = self.sides
        of_size = smallest**2 <= layer.positions <= largest**2
        return layer.kind == self.kind and of_size and layer.peak_fraction is not None


LAYER_GOALS = (
    LayerGoal("conv 3x3", (28, 448), 0.85),
    LayerGoal("conv 3x3", (14, 27), 0.78),
    LayerGoal("conv 3x3", (7, 13), 0.65),
    LayerGoal("conv 3x3 stride 2", (7, 448), 0.55),
    LayerGoal("conv 7x7 stride 2", (7, 448), 0.75),
)

SUM_OF_LAYERS = 1.03
"""A whole network takes at most so many times the sum of its layers."""

PREDICTION = 0.2
"""The machine model predicts a layer to this fraction of its time."""

TWO_THREADS = {"resnet18": 1.85, "vgg16": 1.85, "vgg16-convolutions": 1.85}
"""Two threads are at least so many times as fast as one, on two quiet cores."""


@dataclass(frozen=True)
class Verdict:
    """What was found about a goal.

    Attributes:
        title: of the case.
        against: what was compared, in words.
        wanted: such as `≥ 2.4`.
        found: the figure; None where it was not measured.
        cpu: the same figure from processor times, where it is a ratio of one thread's: what others
            do on the machine changes it little.
        by: the opponent or layer that it is measured by.
        met: whether the goal is reached.
    """

    title: str
    against: str
    wanted: str
    found: float | None
    by: str
    met: bool
    cpu: float | None = None


def best(run: Run, opponents: Opponents) -> Entry | None:
    """Return the fastest of ``opponents`` in ``run``; None if none of them has times."""
    found = [own for own in run.entries if own.times and opponents(own)]
    return min(found, key=lambda own: own.times.median if own.times else 0.0, default=None)


def ratio(run: Run, name: str, own: str = OURS) -> float | None:
    """Return the median of contender ``name`` over that of ``own``; None where one has no times."""
    ours, theirs = run.times(own), run.times(name)
    return theirs.median / ours.median if ours and theirs else None


def cpu_ratio(run: Run, opponents: Opponents, own: str = OURS) -> float | None:
    """Return the least processor time of ``opponents`` over that of ``own``."""
    times = [own.cpu_ms for own in run.entries if own.cpu_ms and opponents(own)]
    ours = run.entry(own)
    return min(times) / ours.cpu_ms if ours and ours.cpu_ms and times else None


def verdicts(results: Mapping[str, CaseResult]) -> list[Verdict]:
    """Return what ``results``, by name of the case, say about every goal on those cases."""
    found = [_judge(goal, results[goal.case]) for goal in GOALS if goal.case in results]
    for result in results.values():
        found += _sum_of_layers(result)
        found += _predictions(result)
        found += _layers(result)
    for case, least in TWO_THREADS.items():
        if case in results:
            found += _two_threads(results[case], least)
    return found


def _judge(goal: Goal, result: CaseResult) -> Verdict:
    run = result.run(threads=1)
    opponent = best(run, goal.opponents) if run else None
    figure = ratio(run, opponent.name, goal.ours) if run and opponent else None
    met = figure is not None and figure >= goal.least
    by = opponent.name if opponent else ""
    cpu = cpu_ratio(run, goal.opponents, goal.ours) if run else None
    title = result.title + goal.ours.removeprefix(OURS)
    return Verdict(title, goal.against, f"≥ {goal.least:g}", figure, by, met, cpu)


def _sum_of_layers(result: CaseResult) -> list[Verdict]:
    run = result.run(threads=1)
    if not run or not run.layers or not run.whole_ms:
        return []
    figure, wanted = run.whole_share, f"≤ {SUM_OF_LAYERS:g}"
    against, met = "whole network over the sum of its layers", figure <= SUM_OF_LAYERS
    return [Verdict(result.title, against, wanted, figure, OURS, met)]


def _predictions(result: CaseResult) -> list[Verdict]:
    """Return what share of the time goes to layers that were predicted well."""
    run = result.run(threads=1)
    if not run or not any(layer.predicted for layer in run.layers):
        return []
    well = sum(
        own.microseconds
        for own in run.layers
        if abs(own.predicted - own.microseconds) <= PREDICTION * own.microseconds
    )
    against = f"share of time in layers predicted within {PREDICTION:.0%}"
    figure = well / (1e3 * run.layers_ms)
    return [Verdict(result.title, against, "= 1", figure, OURS, figure >= 1)]


def _layers(result: CaseResult) -> list[Verdict]:
    """Return for each kind of layer what the slowest one reaches."""
    run, found = result.run(threads=1), []
    for goal in LAYER_GOALS if run else ():
        assert run is not None
        own = [layer for layer in run.layers if goal.holds_for(layer)]
        if own:
            worst = min(own, key=lambda layer: layer.peak_fraction or 0.0)
            fraction = worst.peak_fraction or 0.0
            smallest, largest = goal.sides
            against = f"peak, {goal.kind} at {smallest}² to {largest}²"
            wanted, met = f"≥ {goal.least:g}", fraction >= goal.least
            found.append(Verdict(result.title, against, wanted, fraction, worst.place, met))
    return found


def _two_threads(result: CaseResult, least: float) -> list[Verdict]:
    one, two = (run and run.times(OURS) for run in (result.run(1), result.run(2)))
    if not one or not two:
        return []
    figure = one.median / two.median
    against = "one thread over two threads"
    return [Verdict(result.title, against, f"≥ {least:g}", figure, OURS, figure >= least)]
