"""Kernels that go plane by plane, between convolutions in lane blocks: right, and not in loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from native import Network, noise
from test_lane_blocks import VECTORS, check
from torch_mlir import ir

import pattern_mlir
from pattern_mlir.dialects import (
    AdaptiveAveragePoolOp,
    AddOp,
    AveragePoolOp,
    ConvOp,
    MaxPoolOp,
    MultiplyOp,
    PixelShuffleOp,
    SelectChannelsOp,
    shape_of,
)
from pattern_mlir.passes import convert_pattern_to_vector
from pattern_mlir.passes.lane_kernel import LaneKernel
from pattern_mlir.program import Program

PLANES = [(19, 22), (7, 7)]


def average_pool(x: Any) -> Any:
    return AveragePoolOp.build(x, kernel_size=[2, 2], strides=[2, 2]).result


def padded_average_pool(x: Any) -> Any:
    return AveragePoolOp.build(
        x,
        kernel_size=[3, 3],
        strides=[1, 1],
        padding=[1] * 4,
        count_include_pad=ir.UnitAttr.get(),
    ).result


class Between(Network):
    """A network of a convolution, something, and a convolution."""

    def around(self, body: Callable[[Any, Any], Any]) -> Program:
        """Return the program with ``body`` in the middle."""

        def build(x: Any, *others: Any) -> Any:
            weight = self.parameter(noise(1, 16, 8, 3, 3))
            y = body(ConvOp.build(x, weight, padding=[1] * 4).result, *others)
            last = self.parameter(noise(2, 8, shape_of(y)[1], 3, 3))
            return ConvOp.build(y, last, padding=[1] * 4).result

        return self.build(build)


def kernels(program: Program) -> set[str]:
    """Return the kinds of kernels that ``program`` is compiled to."""
    return {layer.kernel for layer in pattern_mlir.compile(program).layers}


@pytest.mark.parametrize("vectors", VECTORS)
@pytest.mark.parametrize("plane", PLANES, ids=str)
@pytest.mark.parametrize("pool", [average_pool, padded_average_pool])
def test_an_average_pool(
    pool: Callable[..., Any], plane: tuple[int, int], vectors: tuple[int, int]
) -> None:
    network = Between(noise(0, 2, 8, *plane))
    program = network.around(pool)
    check(program.clone(), list(network.inputs), *vectors, threads=2)
    assert "loops" not in kernels(program)


@pytest.mark.parametrize("vectors", VECTORS)
@pytest.mark.parametrize("plane", PLANES, ids=str)
@pytest.mark.parametrize("after_pool", [False, True])
def test_the_mean_of_planes_leaves_out_what_lies_outside(
    after_pool: bool, plane: tuple[int, int], vectors: tuple[int, int]
) -> None:
    network = Network(noise(0, 2, 8, *plane))

    def build(x: Any) -> Any:
        weight = network.parameter(noise(1, 16, 8, 3, 3))
        y = ConvOp.build(x, weight, padding=[1] * 4).result
        if after_pool:  # which wants -inf round the planes
            pool = MaxPoolOp.build(y, kernel_size=[3, 3], strides=[1, 1], padding=[1] * 4).result
            y = AddOp.build(pool, y).result
        return AdaptiveAveragePoolOp.build(y, [1, 1]).result

    program = network.build(build)
    check(program.clone(), list(network.inputs), *vectors, threads=2)
    if min(plane) > 10:
        assert {"mean"} <= kernels(program) <= {"conv", "copy", "max_pool", "mean", "relayout"}


@pytest.mark.parametrize("vectors", VECTORS)
@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize("kind", [AddOp, MultiplyOp])
@pytest.mark.parametrize("first", [False, True])
def test_a_sum_or_product_with_a_number_a_channel(
    first: bool, kind: Any, images: int, vectors: tuple[int, int]
) -> None:
    network = Between(noise(0, 2, 8, 19, 22), noise(1, images, 16, 1, 1))
    program = network.around(
        lambda x, gate: (kind.build(gate, x) if first else kind.build(x, gate)).result
    )
    check(program.clone(), list(network.inputs), *vectors, threads=2)
    assert "loops" not in kernels(program)


@pytest.mark.parametrize("vectors", VECTORS)
def test_squeeze_and_excite_runs_in_kernels(vectors: tuple[int, int]) -> None:
    network = Between(noise(0, 2, 8, 19, 22))

    def excite(x: Any) -> Any:
        mean = AdaptiveAveragePoolOp.build(x, [1, 1]).result
        narrow, wide = noise(3, 4, 16, 1, 1), noise(4, 16, 4, 1, 1)
        inner = ConvOp.build(mean, network.parameter(narrow)).result
        return MultiplyOp.build(ConvOp.build(inner, network.parameter(wide)).result, x).result

    program = network.around(excite)
    check(program.clone(), list(network.inputs), *vectors, threads=2)
    assert kernels(program) == {"conv", "copy", "linear", "mean", "relayout"}


@pytest.mark.parametrize("vectors", VECTORS)
@pytest.mark.parametrize("kind", ["max pool", "average pool", "depthwise", "add", "select"])
def test_what_shares_no_plane_goes_plane_by_plane_where_a_cache_is_outgrown(
    kind: str, vectors: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert_pattern_to_vector, "OWN_CACHE", 0)
    network = Between(noise(0, 2, 8, 45, 47))
    bodies: dict[str, Callable[[Any], Any]] = {
        "max pool": lambda x: (
            MaxPoolOp.build(x, kernel_size=[3, 3], strides=[2, 2], padding=[1] * 4).result
        ),
        "average pool": padded_average_pool,
        "depthwise": lambda x: (
            ConvOp.build(
                x, network.parameter(noise(3, 16, 1, 3, 3)), padding=[1] * 4, groups=16
            ).result
        ),
        "add": lambda x: AddOp.build(x, x).result,
        "select": lambda x: SelectChannelsOp.build(x, [5, 0, 5, 15]).result,
    }
    program = network.around(bodies[kind])
    made: list[LaneKernel] = []
    with patch.object(convert_pattern_to_vector, "LaneKernel", side_effect=noted(made)):
        check(program, list(network.inputs), *vectors, threads=2)
    by_plane = [own for own in made if own.by_plane]
    assert len(by_plane) == 1 and len(by_plane[0].tiles) > 1


def noted(made: list[LaneKernel]) -> Callable[..., LaneKernel]:
    """Return a way to make kernels that adds each to ``made``."""

    def make(**fields: Any) -> LaneKernel:
        made.append(LaneKernel(**fields))
        return made[-1]

    return make


@pytest.mark.parametrize("vectors", VECTORS)
@pytest.mark.parametrize("channels", [range(8, 16), [5, 0, 5, 15], [1, 0, 3, 2]], ids=str)
def test_a_selection_of_channels(channels: Any, vectors: tuple[int, int]) -> None:
    network = Between(noise(0, 2, 8, 19, 22))
    program = network.around(lambda x: SelectChannelsOp.build(x, list(channels)).result)
    check(program.clone(), list(network.inputs), *vectors, threads=2)
    assert "loops" not in kernels(program)


@pytest.mark.parametrize("vectors", VECTORS)
@pytest.mark.parametrize(
    ("factor", "left_out"), [((2, 2), (0, 0)), ((2, 2), (1, 1)), ((4, 4), (3, 0)), ((2, 1), (0, 0))]
)
def test_a_pixel_shuffle(
    factor: tuple[int, int], left_out: tuple[int, int], vectors: tuple[int, int]
) -> None:
    network = Between(noise(0, 2, 8, 9, 11))
    plane = [size * f - out for size, f, out in zip((9, 11), factor, left_out, strict=True)]
    program = network.around(lambda x: PixelShuffleOp.build(x, factor, plane).result)
    check(program.clone(), list(network.inputs), *vectors, threads=2)
    assert ("loops" in kernels(program)) == (factor == (2, 1))


def test_a_mean_of_an_infinite_pixel_is_infinite() -> None:
    x = np.abs(noise(0, 1, 8, 19, 22))
    x[0, 0, 3, 3] = np.inf
    network = Network(x)

    def build(x: Any) -> Any:
        weight = network.parameter(np.abs(noise(1, 16, 8, 1, 1)))
        return AdaptiveAveragePoolOp.build(ConvOp.build(x, weight).result, [1, 1]).result

    (result,) = pattern_mlir.compile(network.build(build)).run([x])
    assert np.isinf(result).all()
