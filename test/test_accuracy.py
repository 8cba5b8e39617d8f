"""The accuracy benchmark: its statistics, its short form, and what it recorded in docs/."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import accuracy
import accuracy_report
import numpy as np
import pytest
import torch
from accuracy_training import Row, convolutions, train_dense, train_row
from scipy import stats

from pattern_mlir.errors import PatternError
from pattern_mlir.pruning import Recipe

DOCS = accuracy.ROOT / "docs"
RECORDED: dict[str, Any] = json.loads((DOCS / "accuracy.json").read_text())


def test_the_bound_is_that_of_the_corrected_t_test() -> None:
    dense, pruned = [99.0, 98.0, 98.5, 99.5], [98.0, 98.5, 98.0, 99.0]
    losses = np.array([1.0, -0.5, 0.5, 0.5])
    quantile = 2.353363  # of Student's t with 3 degrees of freedom at 0.95, from a table
    found = accuracy_report.paired_loss(dense, pruned, test_share=0.5)
    deviation = np.sqrt(((losses - losses.mean()) ** 2).sum() / 3)
    assert found.mean == pytest.approx(0.375)
    assert found.bound == pytest.approx(0.375 + quantile * deviation * np.sqrt(1 / 4 + 1 / 2))
    assert found.folds == tuple(losses)


def test_without_overlap_the_bound_is_that_of_the_paired_t_test() -> None:
    dense, pruned = [99.0, 98.0, 98.5, 99.5], [98.0, 98.5, 98.0, 99.0]
    bound = accuracy_report.paired_loss(dense, pruned, None).bound
    test = stats.ttest_1samp(np.subtract(dense, pruned), bound, alternative="less")
    assert test.pvalue == pytest.approx(0.05)


def test_cross_validation_tests_every_digit_once_a_repeat() -> None:
    folds = list(accuracy.digit_folds())
    assert len(folds) == 15
    for repeat in range(5):
        tested = torch.cat([fold.test.images for fold in folds[3 * repeat : 3 * repeat + 3]])
        assert len(tested) == 1797
        assert len(tested.flatten(1).unique(dim=0)) == len(
            accuracy.digits().images.flatten(1).unique(dim=0)
        )


def test_shapes_of_one_seed_are_no_others() -> None:
    one, other = accuracy.shape_folds(count=2, training=10, test=10)
    images = torch.cat([one.training.images, one.test.images, other.training.images])
    assert len(images.flatten(1).unique(dim=0)) == 30


@pytest.mark.parametrize("name", accuracy.STUDIES)
def test_what_is_recorded_has_the_rows_and_settings_of_today_and_their_compression(
    name: str,
) -> None:
    study, recorded = accuracy.STUDIES[name], RECORDED[name]
    recipes = {row.name: row.recipe for row in study.rows}
    assert recorded["recipes"] == recipes
    assert recorded["budget"] == json.loads(json.dumps(accuracy.asdict(study.budget)))
    first, *others = recorded["rows"]
    assert recipes[first] is None
    for row in others:
        Recipe.from_dict(recipes[row] or {})
        assert all(run["compression"] >= 8 for run in recorded["rows"][row]), row


def test_the_short_form_loses_little_and_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    threads, is_deterministic = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
    )
    words = ["accuracy.py", "--short", f"--output={tmp_path}", f"--runs={tmp_path / 'runs'}"]
    monkeypatch.setattr(sys, "argv", words)
    try:
        accuracy.main()
        first = (tmp_path / "accuracy.json").read_text()
        stored = {file: file.stat().st_mtime_ns for file in (tmp_path / "runs").iterdir()}
        accuracy.main()
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(is_deterministic)
    assert (tmp_path / "accuracy.json").read_text() == first
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "runs").iterdir()} == stored
    study = json.loads(first)["digits"]
    losses = accuracy_report.row_losses(study)
    assert all(run["accuracy"] > 95 for run in study["rows"]["dense"]), capsys.readouterr().out
    assert min(loss.mean for loss in losses.values()) < 1.5, capsys.readouterr().out
    assert all(loss.mean < 3 for loss in losses.values()), capsys.readouterr().out
    assert "| dense |" in (tmp_path / "accuracy.md").read_text()
    assert (tmp_path / "accuracy.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_depends_on_its_seed_alone() -> None:
    study = accuracy.shortened(accuracy.STUDIES["digits"])
    fold = next(iter(study.folds()))
    budget = accuracy.replace(study.budget, dense_epochs=1, prune_epochs=1, retrain_epochs=1)
    row = Row("all", {"method": "admm"}, soft=True, relational=True)
    outcomes = []
    for _ in range(2):
        start = train_dense(study.build, fold.training, budget, seed=3)
        before = [module.weight.detach().clone() for module in convolutions(start)]
        outcomes.append(train_row(row, start, fold.training, fold.test, budget, seed=3))
        after = [module.weight for module in convolutions(start)]
        assert all(map(torch.equal, before, after)), "a row must train a copy"
    assert outcomes[0] == outcomes[1]


def test_the_page_is_that_of_the_recorded_runs() -> None:
    assert (DOCS / "accuracy.md").read_text() == accuracy_report.page(RECORDED), "make accuracy"


def test_the_recorded_best_recipe_loses_less_than_a_point_of_the_digits() -> None:
    _, loss = accuracy_report.best_row(RECORDED["digits"])
    assert loss.bound < 1
    assert len(RECORDED["digits"]["rows"]["dense"]) == 15


def test_an_unknown_study_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["accuracy.py", "digit"])
    with pytest.raises(PatternError, match="no study 'digit'; did you mean 'digits'"):
        accuracy.main()
