"""Compiled models: what goes in and out, threads, memory, the report, and `torch.compile`."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import subprocess
import sys
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from native import Array
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_structure
from torch_models import Function, at_level, exported, values, with_statistics

from pattern_mlir import CompiledModel, codegen, compile, import_program, load, zoo
from pattern_mlir.errors import PatternError
from pattern_mlir.pipelines import run, target_pipeline
from pattern_mlir.program import Program
from pattern_mlir.pruning import prune_one_shot
from pattern_mlir.runtime.library import RuntimeFailure
from pattern_mlir.targets import target

IMAGES = (1, 3, 24, 24)


class Net(nn.Module):
    """A pruned network with every kind of layer; softmax at its end falls back."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8))
        self.sparse = nn.Conv2d(8, 8, 3, padding=1)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.point = nn.Conv2d(8, 16, 1)
        self.head = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.stem(x))
        y = F.hardswish(self.sparse(y)) + y
        y = F.max_pool2d(self.point(torch.sigmoid(self.depthwise(y))), 2)
        return F.softmax(self.head(F.gelu(y.mean((2, 3)))), 1)


@pytest.fixture(scope="module")
def net() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = with_statistics(Net()).eval()
    prune_one_shot(model, pointwise="dense")
    return model


@pytest.fixture(scope="module")
def compiled(net: nn.Module) -> CompiledModel:
    return compile(exported(net, values(*IMAGES)), threads=2)


def threads_of_process() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/task"))


def test_torch_in_torch_out_and_numpy_in_numpy_out(net: nn.Module, compiled: CompiledModel) -> None:
    x = values(*IMAGES)
    from_torch, from_numpy = compiled(x), compiled(x.numpy())
    assert isinstance(from_torch, Tensor) and isinstance(from_numpy, np.ndarray)
    np.testing.assert_array_equal(from_torch.numpy(), from_numpy)
    torch.testing.assert_close(from_torch, net(x))


def test_a_tensor_that_wants_gradients_is_taken_as_it_is(compiled: CompiledModel) -> None:
    x = values(*IMAGES)
    assert torch.equal(compiled(x.clone().requires_grad_()), compiled(x))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * 2,
        lambda x: (x * 2, x + 1),
        lambda x: [x * 2],
        lambda x: {"twice": x * 2, "more": {"and": (x + 1, x - 1)}},
    ],
    ids=["tensor", "tuple", "list", "dict"],
)
def test_outputs_have_the_structure_of_the_models_own(function: Any) -> None:
    x = values(2, 3)
    torch.testing.assert_close(compile(exported(Function(function), x))(x), function(x))


class Pair(NamedTuple):
    """Two outputs by name."""

    first: Tensor
    second: Tensor


NESTED: dict[str, Callable[..., Any]] = {
    "dict in tuple": lambda c, x, y: (c(x), {"a": c(x).relu(), "b": y["k"] + 1}),
    "tuple in dict": lambda c, x, y: {"o": (c(x), x * 2), "z": [c(x).mean((2, 3)), y["l"][0] * 2]},
    "deep": lambda c, x, y: (c(x), (x.relu(), {"n": ({"m": c(x) + y["k"]},)})),
    "views": lambda c, x, y: ((z := c(x)).flatten(1), {"z": z, "t": z.permute(0, 2, 3, 1)}),
    "one value again": lambda c, x, y: {"a": (z := c(x)), "b": z, "c": (z, x, y["l"][0])},
    "a pool beside it": lambda c, x, y: ((z := c(x).relu()), {"p": F.max_pool2d(z, 2)}),
    "parameters": lambda c, x, y: (c(x), c.weight, {"bias": c.bias, "ones": torch.ones(3)}),
    "types": lambda c, x, y: {"m": c(x) > 0, "i": c(x).argmax(1), "s": x.sum()},
    "named": lambda c, x, y: Pair(c(x), {"y": y["k"] + 1}["y"]),
    "ordered": lambda c, x, y: OrderedDict(out=c(x), aux=y["k"] * 2),
    "nothing in it": lambda c, x, y: {"empty": x[:, :0], "y": c(x), "none": ({}, ())},
}


@pytest.mark.parametrize("name", NESTED)
def test_several_inputs_and_nested_outputs(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Function(NESTED[name], nn.Conv2d(3, 4, 3, padding=1))
    inputs = values(2, 3, 8, 9), {"k": values(2, 4, 8, 9, seed=1), "l": [values(5, seed=2)]}
    with torch.no_grad():
        expected = model(*inputs)
    compiled = compile(exported(model, *inputs), threads=2)
    results = compiled(*inputs)
    torch.testing.assert_close(results, expected)
    assert tree_structure(results) == tree_structure(expected)
    names = [output.name for output in compiled.outputs]
    assert len(set(names)) == len(names) == len(tree_leaves(expected))
    compiled.save(tmp_path / "model.pattern")
    loaded = load(tmp_path / "model.pattern")(*tree_leaves(inputs))
    torch.testing.assert_close(tree_leaves(loaded), tree_leaves(expected))
    if name not in ("named", "ordered"):  # a package holds plain tuples and dictionaries
        assert tree_structure(loaded) == tree_structure(expected)


def test_outputs_whose_keys_are_spelt_alike_have_names_of_their_own() -> None:
    model = Function(lambda x: {"a.b": x + 1, "a": {"b": x * 2}})
    compiled = compile(exported(model, values(2, 3)))
    assert [output.name for output in compiled.outputs] == ["a.b", "a.b_"]


def test_inputs_may_lie_in_memory_in_any_way(compiled: CompiledModel) -> None:
    x = values(*IMAGES)
    expected = compiled(x).numpy()
    wide = np.zeros((1, 3, 24, 48), np.float32)
    wide[..., ::2] = x
    read_only = x.numpy().copy()
    read_only.flags.writeable = False
    for same in (
        x.to(memory_format=torch.channels_last),
        x.numpy().transpose(2, 3, 1, 0).copy().transpose(3, 2, 0, 1),
        wide[..., ::2],
        np.ascontiguousarray(x.numpy()[..., ::-1])[..., ::-1],
        read_only,
    ):
        np.testing.assert_array_equal(np.asarray(compiled(same)), expected)


def test_the_input_stays_as_it_was(compiled: CompiledModel) -> None:
    x = values(*IMAGES)
    before = x.clone()
    compiled(x)
    assert torch.equal(x, before)


def test_results_of_a_call_outlive_the_next(compiled: CompiledModel) -> None:
    first = compiled(values(*IMAGES, seed=1))
    kept = first.clone()
    second = compiled(values(*IMAGES, seed=2))
    assert torch.equal(first, kept) and not torch.equal(first, second)


def test_results_outlive_the_model(net: nn.Module) -> None:
    x = values(*IMAGES)
    y = compile(exported(net, x))(x)
    gc.collect()
    torch.testing.assert_close(y, net(x))


def test_any_number_of_threads_gives_the_same_bytes(net: nn.Module) -> None:
    program = exported(net, values(*IMAGES))
    outputs = {n: compile(program, threads=n)(values(*IMAGES)) for n in (1, 2, 3, 7)}
    assert all(torch.equal(outputs[1], y) for y in outputs.values())


def test_the_same_input_gives_the_same_bytes(compiled: CompiledModel) -> None:
    x = values(*IMAGES).numpy()
    expected = compiled(x).tobytes()
    for seed in range(5):
        compiled(values(*IMAGES, seed=seed))  # leaves other numbers in the arena
        assert compiled(x).tobytes() == expected


def test_calls_from_several_threads_at_once(compiled: CompiledModel) -> None:
    inputs = [values(*IMAGES, seed=seed).numpy() for seed in range(40)]
    expected = [compiled(x).tobytes() for x in inputs]
    with ThreadPoolExecutor(8) as pool:
        actual = [y.tobytes() for y in pool.map(compiled, inputs)]
    assert actual == expected


def test_two_models_in_one_process_do_not_disturb_each_other() -> None:
    x = values(*IMAGES)
    layers = [nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)]
    both = [compile(exported(layer, x), threads=2) for layer in layers]
    for _ in range(3):
        for layer, one in zip(layers, both, strict=True):
            torch.testing.assert_close(one(x), layer(x))


def test_code_and_constants_are_linked_side_by_side_in_scattered_memory(
    net: nn.Module, compiled: CompiledModel, tmp_path: Path
) -> None:
    x = values(*IMAGES).numpy()
    np.save(tmp_path / "x.npy", x)
    compiled.save(tmp_path / "net.pattern")
    program = Path(__file__).with_name("scattered_memory.py")
    files = [str(tmp_path / name) for name in ("net.pattern", "x.npy", "y.npy")]
    subprocess.run([sys.executable, str(program), *files], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), compiled(x))


def test_a_model_that_is_gone_leaves_no_thread_behind(net: nn.Module) -> None:
    model = compile(exported(net, values(*IMAGES)), threads=4)
    model(values(*IMAGES))
    before = threads_of_process()
    del model
    assert threads_of_process() == before - 3


def call_in_child(model: CompiledModel, x: Array, queue: Any) -> None:
    try:
        model(x)
        queue.put("no error")
    except RuntimeFailure as failure:
        queue.put(str(failure))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_forked_child_gets_a_clear_error_and_the_parent_goes_on(
    net: nn.Module, threads: int
) -> None:
    x = values(*IMAGES).numpy()
    model = compile(exported(net, values(*IMAGES)), threads=threads)
    expected = model(x)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads
        child = context.Process(target=call_in_child, args=(model, x, queue))
        child.start()
    assert "belongs to the parent process" in queue.get(timeout=60)
    child.join(timeout=60)
    assert child.exitcode == 0
    np.testing.assert_array_equal(model(x), expected)


def test_every_form_of_a_network_gives_the_same_bytes(net: nn.Module, tmp_path: Path) -> None:
    x = values(*IMAGES)
    program = exported(net, x)
    torch.export.save(program, tmp_path / "net.pt2")
    imported = import_program(program)
    text = imported.text()
    at_level(import_program(program), "pattern").save(tmp_path / "net.mlir")
    assert (tmp_path / "net.safetensors").exists()
    expected = compile(program)(x)
    for form in (
        tmp_path / "net.pt2",
        str(tmp_path / "net.pt2"),
        tmp_path / "net.mlir",
        imported,
        Program.load(tmp_path / "net.mlir"),
    ):
        assert torch.equal(compile(form)(x), expected), form
    assert imported.text() == text, "compile changed the program that it was given"


def test_levels_are_written_in_order(net: nn.Module, tmp_path: Path) -> None:
    compile(exported(net, values(*IMAGES)), levels=tmp_path / "levels")
    files = sorted(path.name for path in (tmp_path / "levels").iterdir())
    assert [files[0], *files[-2:]] == ["1-torch.mlir", f"{len(files) - 1}-llvm.mlir", "llvm.ll"]
    assert "torch.aten.conv2d" in (tmp_path / "levels" / "1-torch.mlir").read_text()
    assert "define" in (tmp_path / "levels" / "llvm.ll").read_text()


def test_the_report_says_what_became_of_each_layer(compiled: CompiledModel) -> None:
    report = compiled.report()
    layers = {layer.name: layer for layer in report.layers}
    assert list(layers) == ["stem.0", "sparse", "depthwise", "point", "head"]
    assert [layer.kind for layer in report.layers] == [
        "conv 3x3 stride 2",
        "conv 3x3",
        "depthwise 3x3",
        "conv 1x1",
        "linear",
    ]
    sparse = layers["sparse"]
    assert (sparse.shape, sparse.kernels, sparse.kernels_kept) == ("8 x 8", 64, 18)
    assert 0 < sparse.patterns <= 8 and sparse.dense_reason == ""
    assert sparse.multiplications == 18 * 4 * 12 * 12
    assert sparse.dense_multiplications == 64 * 9 * 12 * 12
    assert 1.0 <= sparse.imbalance < 1.5
    for name in ("stem.0", "depthwise", "point", "head"):
        assert layers[name].patterns == 0 and layers[name].dense_reason
    assert report.fallbacks == ()
    assert report.threads == 2
    assert report.compression > 1
    parsed = json.loads(report.json())
    assert [layer["name"] for layer in parsed["layers"]] == list(layers)
    assert parsed["arena_bytes"] == report.arena_bytes > 0
    assert parsed["weight_bytes"] == report.weight_bytes > 0
    printed = str(report)
    assert "sparse" in printed and "2 threads" in printed


def test_a_weight_without_a_module_of_its_own_is_reported_with_its_threads() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.own = nn.Parameter(values(8, 8, 3, 3))

        def forward(self, x: Tensor) -> Tensor:
            return F.conv2d(x, self.own, padding=1)

    (layer,) = compile(exported(Net(), values(1, 8, 12, 12)), threads=2).report().layers
    assert layer.name == "own" and len(layer.loads) == 2


def test_a_pool_of_small_planes_between_convolutions_has_a_kernel() -> None:
    layers = [nn.Conv2d(64, 64, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(64, 64, 3, padding=1)]
    model = compile(exported(nn.Sequential(*layers), values(1, 64, 4, 4)), cpu="x86-64-v4")
    assert "max_pool" in {layer.kernel for layer in model.layers}
    assert "loops" not in {layer.kernel for layer in model.layers}


def test_a_weight_that_is_computed_is_reported_without_a_name() -> None:
    model = Function(lambda x, w: F.conv2d(x, w) + F.linear(x, x[0, 0, :4]).mean())
    report = compile(exported(model, values(1, 2, 4, 4), values(3, 2, 2, 2))).report()
    assert {layer.name for layer in report.layers} == {"(weight computed at run time)"}


@pytest.mark.parametrize("name", ["vgg16-cifar", "unet", "mobilenet-v2", "dilated-segmentation"])
def test_the_arena_is_hardly_larger_than_what_is_alive_at_once(name: str) -> None:
    model = zoo.create(name, classes=2)
    program = import_program(exported(model, torch.zeros(zoo.input_shape(name, size=32))))
    run(program, target_pipeline("host"))
    plan = codegen.layer_plan(program)
    assert plan.live_bytes <= plan.arena_bytes <= 1.2 * plan.live_bytes


def object_code(model: nn.Module, *inputs: Tensor) -> bytes:
    program = import_program(exported(model, *inputs))
    run(program, target_pipeline("host", threads=2))
    return codegen.object_code(program, target("host"))


def test_object_code_is_the_same_every_time(net: nn.Module) -> None:
    assert object_code(net, values(*IMAGES)) == object_code(net, values(*IMAGES))


@pytest.mark.parametrize(
    "model",
    [
        Net(),
        Function(lambda x: torch.tanh(x) + torch.erf(x) + torch.exp(x) + torch.expm1(x)),
        Function(lambda x: x.sin() + x.abs().log() + x.abs().pow(1.7) + x.round() + x % 0.5),
        nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ELU(), nn.Mish(), nn.LayerNorm(24)),
        Function(lambda x: (torch.cat([x, x], 1), x.sort(1)[0], x.cumsum(2), F.pad(x, (1,) * 4))),
    ],
    ids=["net", "activations", "mathematics", "norm", "copies"],
)
def test_object_code_imports_functions_of_libm_only(model: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "model.o"
    path.write_bytes(object_code(model, values(*IMAGES)))
    imported = symbols(path, "--undefined-only") - {"_GLOBAL_OFFSET_TABLE_"}
    maps = Path("/proc/self/maps").read_text().split()
    mathematics = next(Path(word) for word in maps if Path(word).name.startswith("libm.so"))
    assert imported <= symbols(mathematics, "--defined-only", "--dynamic")


def symbols(path: Path, *options: str) -> set[str]:
    """Return the symbols of an object file or library, without their versions."""
    command = ["nm", "--just-symbols", *options, str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return {line.partition("@")[0] for line in ran.stdout.split()}


@pytest.fixture
def dynamo() -> Iterator[None]:
    """Forget what TorchDynamo compiled in other tests."""
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.usefixtures("dynamo")
class TestTorchCompile:
    """`torch.compile(model, backend="pattern_mlir")`."""

    def test_a_model_is_compiled_as_a_whole(self, net: nn.Module) -> None:
        fast: Any = torch.compile(net, backend="pattern_mlir", fullgraph=True)
        with torch.inference_mode():
            for seed in range(2):
                x = values(*IMAGES, seed=seed)
                torch.testing.assert_close(fast(x), net(x))

    def test_a_graph_break_makes_two_networks(self) -> None:
        class Broken(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 3)

            def forward(self, x: Tensor) -> dict[str, Any]:
                y = self.first(x)
                torch._dynamo.graph_break()
                return {"y": F.relu(self.second(y)), "x": x, "classes": 2}

        model = Broken().eval()
        fast: Any = torch.compile(model, backend="pattern_mlir")
        x = values(*IMAGES)
        with torch.no_grad():
            torch.testing.assert_close(fast(x), model(x))

    def test_tensors_beside_a_module_are_inputs(self) -> None:
        addend = values(2)
        fast: Any = torch.compile(lambda x: x + addend, backend="pattern_mlir")
        x = values(2, seed=1)
        with torch.no_grad():
            torch.testing.assert_close(fast(x), x + addend)
            addend.add_(1)
            torch.testing.assert_close(fast(x), x + addend)

    def test_parameters_that_are_arguments_stay_arguments(self) -> None:
        fast: Any = torch.compile(lambda x, w: x * w, backend="pattern_mlir")
        with torch.no_grad():
            for seed in range(2):
                x, w = values(2), nn.Parameter(values(2, seed=seed + 1))
                torch.testing.assert_close(fast(x, w), x * w)

    @pytest.mark.parametrize(
        ("function", "words"),
        [
            (lambda x: x + 1, "computes no gradients"),
            (lambda x: torch.fft.fft2(x.detach()).real, "is complex"),
        ],
        ids=["gradients", "operation"],
    )
    def test_what_cannot_be_compiled_is_an_error(self, function: Any, words: str) -> None:
        fast: Any = torch.compile(function, backend="pattern_mlir")
        x = values(*IMAGES).requires_grad_("no" in words)
        with pytest.raises(Exception, match=words):
            fast(x)

    def test_sizes_that_change_ask_for_fixed_ones(self) -> None:
        model = nn.Conv2d(3, 4, 3).eval()
        fast: Any = torch.compile(model, backend="pattern_mlir", dynamic=True)
        with torch.no_grad(), pytest.raises(Exception, match="dynamic=False"):
            fast(values(*IMAGES))
        fast = torch.compile(model, backend="pattern_mlir", dynamic=False)
        with torch.no_grad():
            for size in (8, 10):
                x = values(1, 3, size, size)
                torch.testing.assert_close(fast(x), model(x))


def test_runtime_failures_are_errors_of_the_package() -> None:
    assert issubclass(RuntimeFailure, PatternError)
