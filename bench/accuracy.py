"""What pruning costs in accuracy, method by method: `make accuracy` writes docs/accuracy.md.

Usage: python bench/accuracy.py [STUDY…] [--short] [--output FOLDER] [--runs FOLDER]

Every finished run is kept as a file in --runs, so an interrupted benchmark goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from accuracy_report import write_report
from accuracy_training import Budget, Row, SmallNet, channels_last, train_dense, train_row
from safetensors.torch import load_model, save_model
from sklearn.model_selection import RepeatedStratifiedKFold
from torch import nn

from pattern_mlir.errors import PatternError, did_you_mean
from pattern_mlir.parameters import atomic_file
from pattern_mlir.pruning.data import Samples, digits, shapes
from pattern_mlir.zoo.resnet import resnet18_small
from pattern_mlir.zoo.vgg import vgg16_cifar

ROOT = Path(__file__).resolve().parent.parent

RUNS = ROOT / "build" / "accuracy"


def _admm(**options: Any) -> dict[str, Any]:
    return {"method": "admm", "reextract": False, **options}


MAIN_ROWS = (
    Row("dense"),
    Row("magnitude, single weights", {"method": "one_shot", "unstructured": True}),
    Row("one shot", {"method": "one_shot"}),
    Row("ADMM", _admm()),
    Row("ADMM, soft and relational", _admm(), soft=True, relational=True),
)
"""The library has 8 patterns where a row does not say how many."""

SHORT_ROWS = ("dense", "one shot", "ADMM, soft and relational")

OTHER_ROWS = (
    Row("gradual", {"method": "gradual"}),
    Row("proximal", {"method": "proximal"}),
    Row("ADMM, library re-extracted each epoch", _admm(reextract=True)),
    Row("ADMM, soft targets", _admm(), soft=True),
    Row("ADMM, relational", _admm(), relational=True),
    Row("ADMM, 4 patterns", _admm(patterns=4)),
    Row("ADMM, 6 patterns", _admm(patterns=6)),
    Row("ADMM, 12 patterns", _admm(patterns=12)),
    Row("ADMM, balanced", _admm(balanced=True, connectivity_rate=4.0)),
    Row("ADMM, blocks of 16 filters in late layers", _admm(late_block=16, late_filters=64)),
    Row(
        "ADMM, 1x1 at rate 2",
        _admm(pointwise="connectivity", pointwise_rate=2.0, pointwise_block=1),
    ),
    Row(
        "ADMM, 1x1 at rate 2 in fours",
        _admm(pointwise="connectivity", pointwise_rate=2.0, pointwise_block=4),
    ),
)


@dataclass(frozen=True)
class Fold:
    """One split of a study; ``seed`` is that of weights, order and augmentation."""

    training: Samples
    test: Samples
    seed: int


@dataclass(frozen=True)
class Study:
    """A network on a data set, trained and pruned fold by fold.

    Attributes:
        title: a line for the table.
        folds: yields the splits.
        overlapping: whether the folds share samples, as those of a cross-validation do.
        build: makes the network.
        budget: how rows train.
        rows: what is compared; the first one is dense.
    """

    title: str
    folds: Callable[[], Iterator[Fold]]
    overlapping: bool
    build: Callable[[], nn.Module]
    budget: Budget
    rows: tuple[Row, ...]


def digit_folds(repeats: int = 5) -> Iterator[Fold]:
    """Yield the folds of ``repeats`` stratified 3-fold cross-validations of the digits."""
    samples = digits()
    splits = RepeatedStratifiedKFold(n_splits=3, n_repeats=repeats, random_state=0)
    for seed, (training, test) in enumerate(splits.split(samples.images, samples.labels)):
        yield Fold(samples.subset(training), samples.subset(test), seed)


def shape_folds(count: int = 2, training: int = 3000, test: int = 2000) -> Iterator[Fold]:
    """Yield ``count`` sets of shapes that share no sample, nor one with those of lower seeds."""
    for seed in range(10, 10 + count):
        yield Fold(shapes(training, seed=2 * seed), shapes(test, seed=2 * seed + 1), seed)


DIGITS = Study(
    title="Digits, 8x8, small network of four 3x3 convolutions and a 1x1 one",
    folds=digit_folds,
    overlapping=True,
    build=SmallNet,
    budget=Budget(
        dense_epochs=15,
        prune_epochs=10,
        retrain_epochs=15,
        learning_rate=1e-2,
        row_learning_rate=2e-3,
        weight_decay=1e-2,
        batch=64,
        shift=1,
        flip=False,
        layers=("9", "16"),
        connectivity_rate=3.7,
    ),
    rows=(*MAIN_ROWS, *OTHER_ROWS),
)

_SHAPES_BUDGET = replace(
    DIGITS.budget,
    dense_epochs=10,
    prune_epochs=4,
    retrain_epochs=8,
    learning_rate=3e-3,
    row_learning_rate=3e-3,
    weight_decay=2e-2,
    shift=2,
    flip=True,
    layers=("layer3", "layer4"),
)

STUDIES = {
    "digits": DIGITS,
    "resnet18-shapes": Study(
        title="Shapes, 32x32, ResNet-18 of 16 to 128 filters",
        folds=shape_folds,
        overlapping=False,
        build=lambda: resnet18_small(10, filters=16),
        budget=_SHAPES_BUDGET,
        rows=MAIN_ROWS,
    ),
    "vgg16-shapes": Study(
        title="Shapes, 32x32, VGG-16 of 16 to 128 filters",
        folds=shape_folds,
        overlapping=False,
        build=lambda: vgg16_cifar(10, filters=16),
        budget=replace(_SHAPES_BUDGET, layers=("features.33", "features.43")),
        rows=MAIN_ROWS,
    ),
}


def shortened(study: Study) -> Study:
    """Return ``study`` for continuous integration: three folds, three rows, fewer epochs."""
    return replace(
        study,
        folds=lambda: digit_folds(repeats=1),
        budget=replace(study.budget, dense_epochs=8, prune_epochs=5, retrain_epochs=8),
        rows=tuple(row for row in MAIN_ROWS if row.name in SHORT_ROWS),
    )


def run_study(name: str, study: Study, runs: Path) -> dict[str, Any]:
    """Train every row on every fold, but for those that ``runs`` holds; return what came out."""
    records: dict[str, list[dict[str, Any]]] = {row.name: [] for row in study.rows}
    seeds: list[int] = []
    sizes = (0, 0)
    for fold in study.folds():
        seeds.append(fold.seed)
        sizes = (len(fold.training), len(fold.test))
        start: nn.Module | None = None
        for row in study.rows:
            digest = _digest([replace(row, name=""), study.budget], sizes)
            file = runs / f"{name}-{fold.seed}-{digest}.json"
            if not file.exists():
                start = start or _start(name, study, fold, runs)
                _write_json(file, _timed_row(row, start, fold, study.budget))
            records[row.name].append(json.loads(file.read_text()))
            shown = records[row.name][-1]
            print(f"{name} fold {fold.seed}: {row.name}: {shown['accuracy']:.2f} %", flush=True)
    return {
        "title": study.title,
        "processor": _processor(),
        "torch": torch.__version__,
        "budget": asdict(study.budget),
        "seeds": seeds,
        "training_samples": sizes[0],
        "test_samples": sizes[1],
        "overlapping": study.overlapping,
        "recipes": {row.name: row.recipe for row in study.rows},
        "rows": records,
    }


def _start(name: str, study: Study, fold: Fold, runs: Path) -> nn.Module:
    """Return the dense network that the rows of a fold start from, trained once."""
    digest = _digest([study.budget], (len(fold.training), len(fold.test)))
    file = runs / f"{name}-{fold.seed}-{digest}.safetensors"
    if not file.exists():
        model = train_dense(study.build, fold.training, study.budget, fold.seed)
        with atomic_file(file) as temporary:
            save_model(model, str(temporary))
    model = channels_last(study.build())
    load_model(model, file)
    return model


def _timed_row(row: Row, start: nn.Module, fold: Fold, budget: Budget) -> dict[str, Any]:
    begin = time.perf_counter()
    outcome = train_row(row, start, fold.training, fold.test, budget, fold.seed)
    return {**asdict(outcome), "seconds": time.perf_counter() - begin}


def _digest(settings: Sequence[Row | Budget], sizes: tuple[int, int]) -> str:
    """Return what names a run's file: other settings, or another data set, make another one."""
    text = json.dumps([*map(asdict, settings), sizes], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _processor() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _write_json(path: Path, value: Any) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1) + "\n")


def main() -> None:
    """Run the studies and write the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("studies", nargs="*", help=f"of {', '.join(STUDIES)}; default: all")
    parser.add_argument("--short", action="store_true", help="three folds of digits, three rows")
    parser.add_argument("--output", type=Path, help="folder of the report (default: docs)")
    parser.add_argument("--runs", type=Path, default=RUNS, help="folder of the finished runs")
    arguments = parser.parse_args()
    studies = {"digits": shortened(STUDIES["digits"])} if arguments.short else STUDIES
    names = arguments.studies or list(studies)
    for name in names:
        if name not in studies:
            raise PatternError(
                f"no study '{name}'{did_you_mean(name, studies)} (there are {', '.join(studies)})"
            )
    output = arguments.output or (RUNS / "short" if arguments.short else ROOT / "docs")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    arguments.runs.mkdir(parents=True, exist_ok=True)
    output.mkdir(parents=True, exist_ok=True)
    file = output / "accuracy.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    for name in names:
        results[name] = run_study(name, studies[name], arguments.runs)
        _write_json(file, results)
    write_report(results, output)


if __name__ == "__main__":
    try:
        main()
    except (PatternError, OSError) as error:
        raise SystemExit(f"error: {error}") from error
