"""Correction of kept weights, layer by layer, so that outputs stay near the dense network's.

Each pruned convolution gets the weights that reproduce best, in least squares, what the dense
layer gives in the dense network, from what the network pruned so far gives it as an input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.nn import functional

from pattern_mlir.errors import PruningError

Array = npt.NDArray[Any]

aten = torch.ops.aten
CONVOLUTIONS = (aten.conv2d.default, aten.conv2d.padding)

SAMPLES = 2
"""Positions of outputs that are looked at, over the weights of a dense filter."""

LEAST_SAMPLES = 4096


@dataclass(frozen=True)
class Correction:
    """A layer's error on the calibration inputs, as RMS over the RMS of the dense layer's outputs.

    Attributes:
        name: the layer's.
        before: with its weights pruned; inputs come from the network as corrected so far.
        after: with its weights corrected, too; never more.
    """

    name: str
    before: float
    after: float


def arguments_of(node: torch.fx.Node) -> dict[str, Any]:
    """Return a convolution's arguments by name, with its defaults."""
    schema = node.target._schema.arguments  # type: ignore[union-attr]
    values = {a.name: a.default_value for a in schema if a.has_default_value()}
    names = [argument.name for argument in schema]
    return {**values, **dict(zip(names, node.args, strict=False)), **node.kwargs}


def corrected_weights(
    exported: ExportedProgram,
    pruned: Mapping[str, Array],
    masks: Mapping[str, Array],
    batches: Sequence[Sequence[Tensor]],
    ridge: float,
) -> tuple[dict[str, Array], tuple[Correction, ...]]:
    """Return the corrected weights and each layer's error.

    Args:
        exported: the dense program; it stays as it is.
        pruned: the pruned weights by their names in `state_dict`.
        masks: which of them stay.
        batches: calibration inputs, each as the program takes it.
        ridge: as for `prune_exported`.

    Raises:
        PruningError: the inputs do not fit, give NaN or Inf, or the program has an operation that
            cannot be run on its own.
    """
    both = _Lockstep(exported, pruned, batches)
    corrections: dict[str, Correction] = {}
    for node in exported.graph.nodes:
        key = both.convolution_key(node)
        if key in masks and key not in corrections:
            assert key is not None
            weight, error = _corrected(both, node, key, masks[key], ridge)
            both.set_weight(key, weight)
            corrections[key] = error
        both.run(node)
    return both.weights(), tuple(corrections.values())


class _Lockstep:
    """Runs the dense and the pruned network side by side, one operation after the other."""

    def __init__(
        self,
        exported: ExportedProgram,
        pruned: Mapping[str, Array],
        batches: Sequence[Sequence[Tensor]],
    ) -> None:
        self._exported = exported
        self._batches = batches
        self._specs = {s.arg.name: s for s in exported.graph_signature.input_specs}
        self._users = [
            s.arg.name
            for s in exported.graph_signature.input_specs
            if s.kind == InputKind.USER_INPUT
        ]
        self._pruned = {
            key: torch.from_numpy(np.ascontiguousarray(array)).to(exported.state_dict[key].dtype)
            for key, array in pruned.items()
        }
        self._values: dict[torch.fx.Node, list[tuple[Any, Any]]] = {}
        self._last_use = {
            used: node for node in exported.graph.nodes for used in node.all_input_nodes
        }

    def convolution_key(self, node: torch.fx.Node) -> str | None:
        """Return the name of a convolution's weight; None where ``node`` is no convolution."""
        if node.op != "call_function" or node.target not in CONVOLUTIONS:
            return None
        weight = arguments_of(node)["weight"]
        spec = self._specs.get(getattr(weight, "name", ""))
        return None if spec is None else spec.target

    def set_weight(self, key: str, weight: Array) -> None:
        """Use ``weight`` in the pruned network from here on."""
        self._pruned[key].copy_(torch.from_numpy(weight))

    def weights(self) -> dict[str, Array]:
        """Return the weights of the pruned network that differ from the dense one's."""
        return {key: weight.numpy() for key, weight in self._pruned.items()}

    def values(self, node: Any) -> list[tuple[Any, Any]]:
        """Return what ``node`` is in the dense and in the pruned network, for each batch."""
        if not isinstance(node, torch.fx.Node):
            return [(node, node)] * len(self._batches)
        return self._values[node]

    def run(self, node: torch.fx.Node) -> None:
        """Compute ``node`` in both networks; forget what no later operation uses."""
        if node.op == "placeholder":
            self._values[node] = [self._placeholder(node.name, b) for b in self._batches]
        elif node.op == "call_function":
            self._values[node] = [
                (self._call(node, index, 0), self._call(node, index, 1))
                for index in range(len(self._batches))
            ]
        elif node.op != "output":
            raise PruningError(
                f"'{node.target}' cannot be run on its own, so weights cannot be corrected;"
                " prune without calibration"
            )
        for used in node.all_input_nodes:
            if self._last_use[used] is node:
                del self._values[used]

    def _placeholder(self, name: str, batch: Sequence[Tensor]) -> tuple[Any, Any]:
        spec = self._specs[name]
        if spec.kind == InputKind.USER_INPUT:
            value = batch[self._users.index(name)]
            return value.clone(), value.clone()  # operations may work in place
        tensors = {**self._exported.constants, **self._exported.state_dict}
        dense = tensors[spec.target]
        return dense, self._pruned.get(spec.target, dense)

    def _call(self, node: torch.fx.Node, index: int, side: int) -> Any:
        def value(argument: torch.fx.Node) -> Any:
            return self._values[argument][index][side]

        arguments, keywords = torch.fx.node.map_arg((node.args, node.kwargs), value)
        try:
            return node.target(*arguments, **keywords)  # type: ignore[operator]
        except (RuntimeError, TypeError, IndexError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise PruningError(f"'{node.name}' does not run on the inputs: {reason}") from error


def _corrected(
    both: _Lockstep, node: torch.fx.Node, key: str, mask: Array, ridge: float
) -> tuple[Array, Correction]:
    """Return the corrected weight of the convolution ``node``, and its errors."""
    arguments = arguments_of(node)
    groups = arguments["groups"]
    (dense, pruned), *_ = both.values(arguments["weight"])
    size = pruned[0].numel()
    share = max(SAMPLES * size, LEAST_SAMPLES) // len(both.values(arguments["input"])) + 1
    generator = torch.Generator().manual_seed(0)
    gram = np.zeros((groups, size, size))
    product = np.zeros((len(pruned), size))
    energy = 0.0
    for x_dense, x_pruned in both.values(arguments["input"]):
        y = node.target(x_dense, dense, None, *_window(arguments))  # type: ignore[operator]
        y = y.flatten(2).transpose(0, 1).flatten(1)  # [filters, positions]
        columns = _columns(x_pruned, pruned.shape[2:], arguments)
        chosen = torch.randperm(y.shape[1], generator=generator)[:share]
        y, columns = y[:, chosen].double(), columns[:, chosen].reshape(groups, size, -1)
        gram += (columns @ columns.transpose(1, 2)).double().numpy()
        per_group = y.reshape(groups, -1, y.shape[1])
        product += (per_group @ columns.double().transpose(1, 2)).flatten(0, 1).numpy()
        energy += float(y.square().sum())
    if not (np.isfinite(gram).all() and np.isfinite(product).all()):
        raise PruningError(f"the inputs of layer '{key}' are NaN or Inf on the calibration data")
    old = pruned.double().numpy().reshape(len(pruned), size)
    new = _solved(gram, product, old, mask.reshape(len(pruned), size), ridge)
    errors = [_error(w, gram, product, energy) for w in (old, new)]
    name = key.removesuffix(".weight")
    if not errors[1] <= errors[0]:  # rounding, where nothing is to gain
        return old.reshape(pruned.shape), Correction(name, errors[0], errors[0])
    return new.reshape(pruned.shape), Correction(name, *errors)


def _window(arguments: Mapping[str, Any]) -> list[Any]:
    return [arguments[name] for name in ("stride", "padding", "dilation", "groups")]


def _columns(x: Tensor, kernel: Sequence[int], arguments: Mapping[str, Any]) -> Tensor:
    """Return the inputs under each position of the kernel, [channels * KH * KW, positions]."""
    strides, dilations = _pair(arguments["stride"]), _pair(arguments["dilation"])
    before_after = []
    for axis in (1, 0):
        total = dilations[axis] * (kernel[axis] - 1)
        padding = arguments["padding"]
        if padding == "same":
            before_after += [total // 2, total - total // 2]
        else:
            before_after += [0 if padding == "valid" else _pair(padding)[axis]] * 2
    padded = functional.pad(x, before_after)
    columns = functional.unfold(padded, tuple(kernel), tuple(dilations), 0, tuple(strides))
    return columns.transpose(0, 1).flatten(1)


def _pair(value: Any) -> list[int]:
    values = [value, value] if isinstance(value, int) else list(value)
    return values * 2 if len(values) == 1 else values


def _solved(gram: Array, product: Array, old: Array, mask: Array, ridge: float) -> Array:
    """Return, for each filter, the kept weights that fit best and stay near the ``old`` ones.

    Minimises |y - w x|^2 + r |w - old|^2 over the kept weights, by the normal equations.
    """
    new = np.zeros_like(old)
    filters = len(old) // len(gram)
    for index, kept in enumerate(mask):
        square = gram[index // filters]
        strength = ridge * float(np.trace(square)) / len(square)
        taps = np.flatnonzero(kept)
        system = square[np.ix_(taps, taps)] + strength * np.eye(len(taps))
        right = product[index, taps] + strength * old[index, taps]
        factor, failed = torch.linalg.cholesky_ex(torch.from_numpy(system))
        if failed:  # inputs that depend on each other, and no ridge
            new[index, taps] = np.linalg.lstsq(system, right, rcond=1e-6)[0]
        else:
            solution = torch.cholesky_solve(torch.from_numpy(right[:, None]), factor)
            new[index, taps] = solution[:, 0].numpy()
    return new


def _error(weight: Array, gram: Array, product: Array, energy: float) -> float:
    """Return the RMS of y - w x over that of y."""
    grouped = weight.reshape(len(gram), -1, weight.shape[1])
    square = float(np.einsum("gfd,gfd->", grouped @ gram, grouped))
    rest = energy - 2 * float((weight * product).sum()) + square
    return float(np.sqrt(max(rest, 0.0) / energy)) if energy else 0.0
