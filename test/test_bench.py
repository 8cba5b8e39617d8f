"""The benchmark's harness: fair turns, right ratios, and peers that fail take nobody with them."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scaling
import torch

from harness import environments, networks, pages, tables
from harness.contenders import CONTENDERS, HALF_LINEAR, OURS, PEERS, chosen
from harness.environments import BENCH, Unavailable
from harness.goals import verdicts
from harness.networks import CASES
from harness.results import CaseResult, Entry, LayerRow, Run, load, save
from harness.rounds import Times, round_robin, summarise
from harness.session import relative_error
from harness.worker import Worker

FAKE_WORKER = f"""
import os, sys, time
sys.path.insert(0, {str(BENCH / "workers")!r})
from protocol import Engine, serve

def load(job):
    print("a library prints what it likes")
    if job.options.get("fails"):
        raise RuntimeError("this processor lacks an instruction\\nand more")
    def run():
        if job.options.get("dies"):
            print("out of luck", file=sys.stderr, flush=True)
            os._exit(3)
        time.sleep(job.options.get("sleeps", 0))
        return job.input + job.threads
    return Engine("1.2", run)

serve(load)
"""


class TestRounds:
    def test_everyone_runs_in_turns(self) -> None:
        turns: list[str] = []

        def run(name: str) -> list[float]:
            turns.append(name)
            return [float(len(turns))]

        timed = round_robin(["a", "b", "c"], 2, run)
        assert turns == ["a", "b", "c", "a", "b", "c"]
        assert timed.seconds == {"a": [1.0, 4.0], "b": [2.0, 5.0], "c": [3.0, 6.0]}
        assert not timed.failures

    def test_who_fails_drops_out_and_the_others_go_on(self) -> None:
        turns: list[str] = []

        def run(name: str) -> list[float]:
            turns.append(name)
            if turns.count("b") == 2:
                raise Unavailable("gave up")
            return [1.0]

        timed = round_robin(["a", "b"], 3, lambda name: run(name) if name == "b" else [2.0])
        assert timed.seconds == {"a": [2.0] * 3}
        assert timed.failures == {"b": "gave up"}

    def test_times_are_quartiles_in_milliseconds(self) -> None:
        times = summarise([0.005, 0.001, 0.003, 0.002, 0.004])
        assert times.median == pytest.approx(3.0)
        assert (times.lower_quartile, times.upper_quartile) == pytest.approx((2.0, 4.0))
        assert (times.minimum, times.runs) == (1.0, 5)


def entry(name: str, peer: str, median: float | None, **flags: bool) -> Entry:
    times = None if median is None else Times(median, median, median, median, 5)
    own = Entry(name, peer, flags.get("winograd", False), flags.get("sparse", False), times=times)
    own = replace(own, cpu_ms=median and median - 1.0)
    return own if times else replace(own, failure="cannot be installed")


def result(case: str, *entries: Entry, threads: int = 1, layer_ms: float = 10.0) -> CaseResult:
    layers = (LayerRow("conv1", "conv", "2x8", "4x4", 1e3 * layer_ms, 0.8, 10**6, 2048, "", 0),)
    run = Run(threads, 5, entries, layers, 50e9, 10.0, imbalance={"conv1": 1.01})
    return CaseResult(case, CASES[case].title, "a processor", (run,))


RESNET18 = result(
    "resnet18",
    entry(OURS, OURS, 10.0),
    entry("PyTorch eager, NCHW", "pytorch", 50.0),
    entry("OpenVINO", "openvino", 34.0),
    entry("ncnn, Winograd", "ncnn", 25.0, winograd=True),
    entry("MNN", "mnn", 30.0, winograd=True),
    entry("DeepSparse", "deepsparse", 18.0, sparse=True),
    entry("MNN, sparse encoding", "mnn-sparse", None, sparse=True),
)


class TestGoals:
    def test_a_ratio_is_the_best_opponents_median_over_ours(self) -> None:
        found = {own.against: own for own in verdicts({"resnet18": RESNET18})}
        own = found["best of PyTorch, OpenVINO"]
        assert (own.found, own.by, own.met) == (pytest.approx(3.4), "OpenVINO", False)
        assert own.cpu == pytest.approx(33 / 9)
        own = found["best of ncnn, MNN"]
        assert (own.found, own.by, own.met) == (pytest.approx(2.5), "ncnn, Winograd", True)
        own = found["best of DeepSparse, MNN's sparse encoding"]
        assert (own.found, own.by, own.met) == (pytest.approx(1.8), "DeepSparse", False)

    def test_dense_weights_compare_with_peers_that_use_no_winograd(self) -> None:
        entries = (
            entry(OURS, OURS, 40.0),
            entry("OpenVINO", "openvino", 34.0),
            entry("MNN", "mnn", 20.0, winograd=True),
        )
        dense = result("resnet18-dense", *entries, layer_ms=9.8)
        (own, whole) = verdicts({"resnet18-dense": dense})
        assert (own.found, own.by, own.met) == (pytest.approx(0.85), "OpenVINO", True)
        assert (whole.found, whole.met) == (pytest.approx(10 / 9.8), True)

    def test_a_goal_without_opponents_is_not_met_but_not_measured(self) -> None:
        found = verdicts({"resnet18": result("resnet18", entry(OURS, OURS, 10.0))})
        own = found[0]
        assert (own.found, own.met) == (None, False)
        assert "not measured" in tables.goals(found).markdown()

    def test_weights_of_linear_layers_in_f16_are_judged_in_a_row_of_their_own(self) -> None:
        entries = (
            entry(OURS, OURS, 10.0),
            entry(HALF_LINEAR, OURS, 8.0),
            entry("OpenVINO", "openvino", 36.0),
        )
        found = verdicts({"vgg16": result("vgg16", *entries)})
        judged = {
            own.title: own.found for own in found if own.against == "best of PyTorch, OpenVINO"
        }
        half = "VGG-16, pruned, linear weights f16"
        assert judged == {"VGG-16, pruned": pytest.approx(3.6), half: pytest.approx(4.5)}

    def test_the_slowest_layer_of_a_kind_is_compared_with_the_peak(self) -> None:
        layers = [
            LayerRow(name, "conv", "", "", 1.0, fraction, 1, 1, kind, side**2)
            for name, kind, side, fraction in (
                ("a", "conv 3x3", 56, 0.9),
                ("b", "conv 3x3", 28, 0.8),
                ("c", "conv 3x3", 14, 0.79),
                ("d", "conv 1x1", 28, 0.1),
            )
        ]
        run = replace(RESNET18.runs[0], layers=tuple(layers))
        found = verdicts({"resnet18": replace(RESNET18, runs=(run,))})
        own = {goal.by: (goal.found, goal.met) for goal in found if "peak" in goal.against}
        assert own == {"b": (0.8, False), "c": (0.79, True)}

    def test_the_share_of_time_in_layers_that_were_predicted_is_judged(self) -> None:
        layers = [
            LayerRow("a", "conv", "", "", took, None, 1, 1, "", 0, predicted=predicted)
            for took, predicted in ((30.0, 36.0), (50.0, 40.0), (15.0, 10.0), (5.0, 0.0))
        ]
        run = replace(RESNET18.runs[0], layers=tuple(layers))
        found = verdicts({"resnet18": replace(RESNET18, runs=(run,))})
        (own,) = (goal for goal in found if "predicted" in goal.against)
        assert (own.found, own.met) == (pytest.approx(0.8), False)
        assert not any("predicted" in goal.against for goal in verdicts({"resnet18": RESNET18}))

    def test_a_whole_run_is_compared_with_the_layers_of_its_round(self) -> None:
        run = RESNET18.runs[0]
        assert run.whole_share == pytest.approx(run.whole_ms / run.layers_ms)
        assert replace(run, whole_over_layers=1.02).whole_share == 1.02

    def test_two_threads_are_compared_with_one(self) -> None:
        one, two = (
            result("resnet18", entry(OURS, OURS, ms), threads=threads).runs[0]
            for threads, ms in ((1, 10.0), (2, 5.2))
        )
        found = verdicts({"resnet18": replace(RESNET18, runs=(one, two))})[-1]
        assert (found.found, found.met) == (pytest.approx(10 / 5.2), True)

    def test_every_opponent_of_a_goal_is_a_contender(self) -> None:
        for own in verdicts({name: result(name) for name in CASES}):
            assert own.title.partition(", linear")[0] in {case.title for case in CASES.values()}
        peers = {own.peer for own in CONTENDERS}
        assert {"pytorch", "openvino", "ncnn", "mnn", "deepsparse", "mnn-sparse"} <= peers


class TestContenders:
    def test_what_uses_zeros_runs_only_where_there_are_some(self) -> None:
        pruned = [own.name for own in chosen(list(PEERS), CASES["resnet18"])]
        dense = [own.name for own in chosen(list(PEERS), CASES["resnet18-dense"])]
        assert pruned[0] == dense[0] == OURS
        assert "MNN, sparse encoding" in pruned
        assert "MNN, sparse encoding" not in dense
        assert "DeepSparse, dense weights" in dense

    def test_each_has_a_worker_and_a_pinned_list_of_packages(self) -> None:
        for own in CONTENDERS:
            assert (BENCH / "workers" / f"{own.worker}.py").is_file()
            if own.environment != environments.OWN:
                text = (environments.REQUIREMENTS / f"{own.environment}.txt").read_text()
                names = [line for line in text.splitlines() if line and line[0] != "#"]
                assert names
                assert all("==" in name for name in names)


class TestEnvironments:
    @pytest.fixture
    def requirements(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "requirements"
        folder.mkdir()
        monkeypatch.setattr(environments, "REQUIREMENTS", folder)
        return folder / "peer.txt"

    def test_a_package_that_cannot_be_installed_is_one_line(
        self, requirements: Path, tmp_path: Path
    ) -> None:
        requirements.write_text("# pip: --no-index\nno-such-package-of-a-peer==1.0\n")
        with pytest.raises(Unavailable, match=r"cannot be installed: .*no-such-package") as caught:
            environments.python("peer", tmp_path)
        assert "\n" not in str(caught.value)

    def test_a_python_that_is_not_there_is_one_line(
        self, requirements: Path, tmp_path: Path
    ) -> None:
        requirements.write_text("# python: 3.1 2.0\n")
        with pytest.raises(Unavailable, match=r"needs Python 3\.1 or 2\.0, which is not installed"):
            environments.python("peer", tmp_path)

    def test_the_own_environment_is_the_one_that_runs(self, tmp_path: Path) -> None:
        assert environments.python(environments.OWN, tmp_path) == Path(sys.executable)


class TestWorker:
    @pytest.fixture
    def command(self, tmp_path: Path) -> list[str | Path]:
        np.save(tmp_path / "input.npy", np.zeros((1, 3, 2, 2), np.float32))
        (tmp_path / "fake_worker.py").write_text(FAKE_WORKER)
        return [sys.executable, tmp_path / "fake_worker.py"]

    def job(self, folder: Path, **options: object) -> dict[str, object]:
        cores = sorted(environments.available_cores())[:1]
        return {
            "model": str(folder),
            "cache": str(folder / "cache"),
            "options": options,
            "threads": 2,
            "cores": cores,
        }

    def test_a_worker_converts_prepares_answers_and_times(
        self, command: list[str | Path], tmp_path: Path
    ) -> None:
        with Worker(command, tmp_path / "log", {}) as worker:
            assert worker.ask(30, do="convert", **self.job(tmp_path)) == {}
            assert worker.ask(30, do="prepare", **self.job(tmp_path)) == {"version": "1.2"}
            worker.ask(30, do="output", path=str(tmp_path / "output.npy"))
            seconds = worker.ask(30, do="run", untimed=1, timed=3)["seconds"]
        assert len(seconds) == 3
        assert min(seconds) > 0
        assert (np.load(tmp_path / "output.npy") == 2).all()
        assert "prints what it likes" in (tmp_path / "log").read_text()

    @pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
    def test_a_worker_is_stopped_while_it_is_not_its_turn(
        self, command: list[str | Path], tmp_path: Path
    ) -> None:
        with Worker(command, tmp_path / "log", {}) as worker:
            worker.ask(30, do="prepare", **self.job(tmp_path))
            deadline = time.monotonic() + 10
            while worker.state != "T" and time.monotonic() < deadline:
                time.sleep(0.01)
            assert worker.state == "T"

    def test_a_failure_is_one_line_and_the_worker_goes_on(
        self, command: list[str | Path], tmp_path: Path
    ) -> None:
        with Worker(command, tmp_path / "log", {}) as worker:
            with pytest.raises(Unavailable, match=r"^RuntimeError: this processor lacks an \w+$"):
                worker.ask(30, do="prepare", **self.job(tmp_path, fails=True))
            assert worker.ask(30, do="prepare", **self.job(tmp_path)) == {"version": "1.2"}

    def test_a_worker_that_ends_says_how(self, command: list[str | Path], tmp_path: Path) -> None:
        with Worker(command, tmp_path / "log", {}) as worker:
            worker.ask(30, do="prepare", **self.job(tmp_path, dies=True))
            with pytest.raises(Unavailable, match="ended with status 3: out of luck"):
                worker.ask(30, do="run", untimed=0, timed=1)

    def test_a_worker_that_hangs_is_ended(self, command: list[str | Path], tmp_path: Path) -> None:
        with Worker(command, tmp_path / "log", {}) as worker:
            worker.ask(30, do="prepare", **self.job(tmp_path, sleeps=60))
            with pytest.raises(Unavailable, match="gave no answer within 0"):
                worker.ask(0.2, do="run", untimed=0, timed=1)


class TestNetworks:
    def test_weights_are_the_same_in_every_run(self) -> None:
        first, second = (networks.build(CASES["vgg16-cifar"]).state_dict() for _ in range(2))
        assert all(torch.equal(first[name], second[name]) for name in first)

    def test_1x1_convolutions_are_pruned_in_blocks(self) -> None:
        model = networks.build(CASES["mobilenet-v2"])
        weights = [
            module.weight.detach()
            for module in model.modules()
            if isinstance(module, torch.nn.Conv2d) and module.kernel_size == (1, 1)
        ]
        kept = sum(int(torch.count_nonzero(weight)) for weight in weights)
        assert sum(weight.numel() for weight in weights) / kept == pytest.approx(3.6, rel=0.01)
        for weight in weights:
            blocks = (weight != 0).reshape(-1, networks.BLOCK, weight.shape[1])
            assert (blocks == blocks[:, :1]).all()

    def test_the_difference_is_relative_to_the_output(self) -> None:
        reference = np.array([3.0, -4.0])
        assert relative_error(reference * 1.01, reference) == pytest.approx(0.01)
        assert np.isnan(relative_error(np.zeros(3), reference))


class TestPages:
    def test_json_keeps_everything(self, tmp_path: Path) -> None:
        save(RESNET18, tmp_path)
        assert load(tmp_path / "resnet18.json") == RESNET18
        assert pages.results_in(tmp_path) == {"resnet18": RESNET18}

    def test_a_part_is_replaced_between_its_markers_only(self) -> None:
        page = pages.replaced("# Title\n\nBy hand.\n", "peers", "first")
        page = pages.replaced(page, "scaling", "other") + "\nAfter.\n"
        page = pages.replaced(page, "peers", r"second \1")
        assert "first" not in page
        places = [page.index(text) for text in ("By hand.", r"second \1", "other", "After.")]
        assert places == sorted(places)

    def test_a_page_shows_times_ratios_and_reasons(self, tmp_path: Path) -> None:
        save(RESNET18, tmp_path / "benchmarks")
        pages.write(tmp_path / "benchmarks", tmp_path / "benchmarks.md")
        page = (tmp_path / "benchmarks.md").read_text()
        assert "| OpenVINO | 34.00 | 34.00 to 34.00 | 34.00 | 33.00 | 3.40 |" in page
        assert "| MNN, sparse encoding | cannot be installed |" in page
        layers = (tmp_path / "benchmarks" / pages.LAYERS_PAGE).read_text()
        assert "| conv1 | conv | 2x8 | 4x4 | 10000.0 |  | 0.80 | 1.00 | 2 |" in layers


@pytest.mark.parametrize("series", scaling.ALL, ids=lambda series: str(series.name))
def test_every_series_makes_a_network_for_its_first_value(series: scaling.Series) -> None:
    value = series.values[0]
    with torch.no_grad():
        result = series.network(value)(torch.zeros(series.shape(value)))
    assert torch.isfinite(result).all()
