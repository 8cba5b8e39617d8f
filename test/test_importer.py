"""The importer: names, memory, batch norms, inputs and outputs, places."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_mlir import ir
from torch_models import Function, at_level, check, exported, values, with_statistics

from pattern_mlir import ParameterStore, compile, import_program, interpret, zoo
from pattern_mlir.dialects import ConvOp, LinearOp, MultiplyOp, ParameterOp
from pattern_mlir.modules import forward_function, place
from pattern_mlir.passes.base import walk
from pattern_mlir.program import NAME_ATTRIBUTE, Program

IMAGES = (2, 4, 7, 9)


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    """Give every test the same random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def names(program: Program) -> list[str]:
    """Return the names of the module's parameters in program order."""
    return [op.parameter_name for op in walk(program.module.operation, ParameterOp)]


def count(program: Program, kind: type) -> int:
    return len(walk(program.module.operation, kind))


class Net(nn.Module):
    """Two convolutions, one with a batch norm, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True))
        self.body = nn.Conv2d(6, 6, 3, padding=1)
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.body(self.stem(x)).mean((2, 3)))
        return y


def test_a_program_and_its_file_give_the_same_module_and_weights(tmp_path: Path) -> None:
    program = exported(with_statistics(Net()), values(*IMAGES))
    torch.export.save(program, tmp_path / "net.pt2")
    first, second = import_program(program), import_program(str(tmp_path / "net.pt2"))
    assert first.text() == second.text()
    assert list(first.parameters) == list(second.parameters)
    for name, array in first.parameters.items():
        np.testing.assert_array_equal(array, second.parameters[name], name)


def test_importing_twice_gives_the_same_bytes() -> None:
    program = exported(with_statistics(Net()), values(*IMAGES))
    first, second = import_program(program), import_program(program)
    texts = [p.module.operation.get_asm(enable_debug_info=True) for p in (first, second)]
    assert texts[0] == texts[1]
    assert {n: a.tobytes() for n, a in first.parameters.items()} == {
        n: a.tobytes() for n, a in second.parameters.items()
    }


def test_parameters_have_the_names_of_the_state_dict() -> None:
    model = nn.Sequential(nn.Conv2d(4, 6, 3), nn.Flatten(), nn.Linear(6 * 5 * 7, 3))
    program = import_program(exported(model, values(*IMAGES)))
    assert names(program) == list(program.parameters) == list(model.state_dict())


@pytest.mark.parametrize("name", ["vgg16-cifar", "resnet18"])
def test_weights_are_views_of_pytorchs_memory_unless_a_batch_norm_changes_them(name: str) -> None:
    model = zoo.create(name, classes=2)
    program = import_program(exported(model, torch.zeros(zoo.input_shape(name, size=32))))
    modules = dict(model.named_modules())
    before_norms = {
        convolution
        for (convolution, module), (_, norm) in zip(
            list(modules.items()), list(modules.items())[1:], strict=False
        )
        if isinstance(module, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
    }
    copied = 0
    for parameter, array in program.parameters.items():
        shared = np.shares_memory(array, model.state_dict()[parameter].numpy())
        module = parameter.rpartition(".")[0]
        changed = module in before_norms or isinstance(modules[module], nn.BatchNorm2d)
        assert shared != changed, parameter
        copied += changed
    assert 0 < copied < len(program.parameters)


def test_model_and_program_stay_as_they_were() -> None:
    model = with_statistics(Net()).eval()
    before = copy.deepcopy(model.state_dict())
    program = exported(model, values(*IMAGES))
    graph, signature = str(program.graph), str(program.graph_signature)
    import_program(program)
    assert (str(program.graph), str(program.graph_signature)) == (graph, signature)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
        assert name.endswith("num_batches_tracked") or torch.equal(
            program.state_dict[name], before[name]
        )


@pytest.mark.parametrize(
    ("layer", "norm", "shape"),
    [
        (nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), IMAGES),
        (nn.Conv2d(4, 6, 3, bias=False), nn.BatchNorm2d(6), IMAGES),
        (nn.Conv2d(4, 6, 3, bias=False), nn.BatchNorm2d(6, affine=False), IMAGES),
        (nn.Conv2d(4, 8, 3, groups=2, padding="same"), nn.BatchNorm2d(8, eps=0.1), IMAGES),
        (nn.Linear(9, 6), nn.BatchNorm1d(6), (5, 9)),
        (nn.Linear(9, 6, bias=False), nn.BatchNorm1d(6, affine=False), (5, 9)),
    ],
    ids=["bias", "no bias", "not affine", "groups", "linear", "linear, not affine"],
)
@pytest.mark.parametrize("behind", [[], [nn.ReLU()]], ids=["last", "with an activation"])
def test_a_batch_norm_folds_into_the_layer_before_it(
    layer: nn.Conv2d | nn.Linear, norm: nn.Module, shape: tuple[int, ...], behind: list[nn.Module]
) -> None:
    layer.reset_parameters()  # the list of cases was made before the seed was set
    model = with_statistics(nn.Sequential(layer, norm, *behind))
    program = at_level(import_program(exported(model, values(*shape))), "pattern")
    assert count(program, ConvOp) + count(program, LinearOp) == 1
    assert count(program, MultiplyOp) == 0
    assert names(program)[0] == "0.weight" and len(names(program)) == 2
    check(model, values(*shape))


def read_twice(convolution: nn.Module, norm: nn.Module, x: Tensor) -> Tensor:
    y: Tensor = convolution(x)
    return y + norm(y)


def shared_weight(first: Any, second: nn.Module, norm: nn.Module, x: Tensor) -> Tensor:
    y: Tensor = norm(first(x)) + F.conv2d(x, first.weight)
    return second(y) + y.mean()


def shared_norm(first: nn.Module, second: nn.Module, norm: nn.Module, x: Tensor) -> Tensor:
    y: Tensor = norm(norm(first(x).relu()).relu() + second(x))
    return y


@pytest.mark.parametrize(
    ("function", "modules", "products"),
    [
        (read_twice, [nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6)], 1),
        (shared_weight, [nn.Conv2d(4, 6, 3), nn.Conv2d(6, 6, 1), nn.BatchNorm2d(6)], 1),
        (shared_norm, [nn.Conv2d(4, 6, 3), nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6)], 2),
    ],
    ids=["another reader", "shared weight", "shared norm"],
)
def test_a_batch_norm_stays_where_folding_would_change_something_else(
    function: Callable[..., Any], modules: list[nn.Module], products: int
) -> None:
    model = with_statistics(Function(function, *modules))
    program = at_level(import_program(exported(model, values(*IMAGES))), "pattern")
    assert count(program, MultiplyOp) == products
    check(model, values(*IMAGES))


def test_scale_and_shift_of_a_batch_norm_take_the_names_of_its_weight_and_bias() -> None:
    model = with_statistics(nn.Sequential(nn.ReLU(), nn.BatchNorm2d(4)))
    program = import_program(exported(model, values(*IMAGES)))
    assert names(program) == ["1.weight", "1.bias"]
    norm = model[1]
    assert isinstance(norm.running_var, Tensor) and isinstance(norm.running_mean, Tensor)
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    shift = norm.bias.double() - norm.running_mean.double() * scale
    for name, expected in (("1.weight", scale), ("1.bias", shift)):
        array = program.parameters[name]
        assert array.shape == (1, 4, 1, 1)
        np.testing.assert_allclose(array.ravel(), expected.detach().numpy(), rtol=1e-6)


class Nested(nn.Module):
    """Takes and returns tensors in tuples, lists and dicts, some of them by name."""

    def forward(
        self, pair: tuple[Tensor, Tensor], scale: Tensor, *, table: dict[str, Tensor]
    ) -> dict[str, Any]:
        first, second = pair
        return {
            "logits": first * scale + second,
            "parts": (first, [second - table["shift"], second * 2]),
        }


def nested_inputs() -> tuple[Any, dict[str, Any]]:
    a, b, scale, shift = (values(2, 3, seed=seed) for seed in range(4))
    return ((a, b), scale), {"table": {"shift": shift}}


def described(attributes: Any) -> list[str]:
    return [ir.StringAttr(own[NAME_ATTRIBUTE]).value for own in attributes]


def test_inputs_and_outputs_carry_their_names_in_the_model() -> None:
    inputs, keywords = nested_inputs()
    program = import_program(exported(Nested(), *inputs, **keywords))
    function = forward_function(program.module.operation)
    assert described(function.attributes["arg_attrs"]) == [
        "pair_0",
        "pair_1",
        "scale",
        "table_shift",
    ]
    assert described(function.attributes["res_attrs"]) == [
        "logits",
        "parts.0",
        "parts.1.0",
        "parts.1.1",
    ]


def test_results_without_names_are_numbered() -> None:
    program = import_program(exported(Function(lambda x: (x + 1, (x, x * 2))), values(3)))
    function = forward_function(program.module.operation)
    assert described(function.attributes["res_attrs"]) == ["output0", "output1", "output2"]


def test_nested_inputs_and_outputs_keep_their_structure() -> None:
    inputs, keywords = nested_inputs()
    compiled = compile(exported(Nested(), *inputs, **keywords))
    expected = Nested()(*inputs, **keywords)
    (a, b), scale = inputs
    for outputs in (
        compiled(*inputs, **keywords),
        compiled(a, b, scale, keywords["table"]["shift"]),
    ):
        torch.testing.assert_close(outputs, expected)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x, x + 1),
        lambda x: (x + 1, x + 1),
        lambda x: (x, x, x),
        lambda x: (x.view(6), x + 1),
        lambda x: (x + 1, (x + 1).view(6)),
        lambda x: (x[:, :2], x[:, 2:]),
        lambda x: (x, torch.ones(2)),
    ],
    ids=["input", "twice", "input thrice", "view", "view of a result", "parts", "constant"],
)
def test_results_may_be_inputs_views_or_one_another(function: Callable[[Tensor], Any]) -> None:
    check(Function(function), values(2, 3))


def test_a_network_without_inputs() -> None:
    check(Function(lambda linear: linear.weight * 2, nn.Linear(2, 3)))


def test_a_number_as_input() -> None:
    check(Function(lambda x, y: (x * y, x + 1)), torch.tensor(3.0), values(2))


def test_tied_weights_share_one_parameter() -> None:
    first, second = nn.Linear(5, 5), nn.Linear(5, 5, bias=False)
    second.weight = first.weight
    model = nn.Sequential(first, nn.ReLU(), second)
    program = import_program(exported(model, values(2, 5)))
    assert len(program.parameters) == 2 and set(program.parameters) < set(model.state_dict())
    assert count(at_level(program, "pattern"), ParameterOp) == 2
    check(model, values(2, 5))


class Constants(nn.Module):
    """Buffers that no layer owns, and tensors that are no buffers at all."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.5, 0.25]))
        self.register_buffer("passing", torch.tensor([3.0, 4.0]), persistent=False)
        self.register_buffer("bytes", torch.tensor([200, 100], dtype=torch.uint8))
        self.register_buffer("transposed", torch.arange(6.0).reshape(2, 3).T)
        self.register_buffer("number", torch.tensor(2.5))
        self.plain = torch.tensor([7.0, 8.0])

    def forward(self, x: Tensor) -> Any:
        y = x - self.mean + self.passing + self.plain + torch.tensor([1.0, 2.0])
        return y * self.number, y.to(self.bytes.dtype) + self.bytes, self.transposed @ y


def test_buffers_and_constants_of_any_kind_are_parameters(tmp_path: Path) -> None:
    x = torch.tensor([10.0, 20.0])
    program = import_program(exported(Constants(), x))
    assert {"mean", "passing", "bytes", "transposed", "number"} < set(program.parameters)
    check(Constants(), x)
    at_level(program, "pattern").save(tmp_path / "constants.mlir")
    loaded = Program.load(tmp_path / "constants.mlir")
    for ours, theirs in zip(interpret(loaded, [x]), Constants()(x), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_only_parameters_that_are_used_are_kept() -> None:
    model = Function(lambda used, unused, x: used(x), nn.Linear(3, 3), nn.Linear(3, 3))
    program = import_program(exported(model, values(2, 3)))
    assert list(program.parameters) == ["inner.0.weight", "inner.0.bias"]
    assert isinstance(program.parameters, ParameterStore)


def test_operations_say_where_in_the_model_they_come_from() -> None:
    program = import_program(exported(with_statistics(Net()), values(*IMAGES)))
    places = {
        op.operation.name: place(op.location)
        for op in forward_function(program.module.operation).regions[0].blocks[0].operations
    }
    assert places["torch.aten.linear"] == "head"
    assert places["torch.aten.relu"] == "stem.2"
    assert places["torch.aten.mean.dim"] == "the model's forward"
    at_level(program, "graph")
    convolutions = [place(op.location) for op in walk(program.module.operation, ConvOp)]
    assert convolutions == ["stem.0", "body"]
