"""A plan that reaches out of its buffers, or kernels that no device must run, are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vulkan_networks import contents, part

from pattern_mlir.runtime.plan import TensorSpec
from pattern_mlir.runtime.vulkan import self_test
from pattern_mlir.runtime.vulkan.device import DEVICE_KINDS, PREFERRED
from pattern_mlir.runtime.vulkan.failures import VulkanFailure
from pattern_mlir.runtime.vulkan.memory import (
    DEVICE_LOCAL,
    HOST_CACHED,
    MAPPED,
    memory_type,
)
from pattern_mlir.runtime.vulkan.plan import (
    Dispatch,
    HostLayer,
    Range,
    VulkanPlan,
    buffer_sizes,
    check_plan,
    needed_barriers,
    tensor_bytes,
)
from pattern_mlir.runtime.vulkan.spirv import PlanError, read_kernel

GOOD = contents()
assert isinstance(GOOD.plan, VulkanPlan)
PLAN: VulkanPlan = GOOD.plan


def check(plan: VulkanPlan, **kernels: bytes) -> None:
    check_plan(plan, {**GOOD.kernels, **kernels}, GOOD.weights.nbytes)


def with_step(**changes: Any) -> VulkanPlan:
    """Return the plan with a changed first step, of kernel `scale`."""
    first = replace(PLAN.steps[0], **changes)
    return replace(PLAN, steps=(first, *PLAN.steps[1:]))


def test_a_good_plan_is_accepted() -> None:
    check(PLAN)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (with_step(ranges=(part("input:0"), part("arena", 4))), r"arena from 1024 to 1280 of 1024"),
        (with_step(ranges=(part("input:0"), part("arena", -1))), r"arena from -256 to 0"),
        (with_step(ranges=(part("input:1"), part("arena"))), r"input:1 from 0 to 256 of -1"),
        (with_step(ranges=(part("input:0"), Range("arena", 0, 0))), r"arena from 0 to 0"),
        (with_step(ranges=(part("input:0"), Range("arena", 4, 64))), r"multiples of 256"),
        (with_step(ranges=(part("input:0"),)), r"binds 1 ranges to kernel 'scale'"),
        (with_step(ranges=(part("arena"),) * 5), r"binds 5 ranges"),
        (with_step(ranges=(part("input:0"), part("weights:0"))), r"may write to weights:0"),
        (
            with_step(ranges=(part("input:0"), part("arena", read_only=True))),
            r"may write to arena, which is only read",
        ),
        (with_step(kernel="other"), r"step 0 runs 'other', which is no kernel"),
        (with_step(groups=(0, 1, 1)), r"\(0, 1, 1\) workgroups"),
        (with_step(groups=(1, 1, 65536)), r"workgroups"),
        (with_step(push=(1 << 32,)), r"no u32"),
        (with_step(push=(-1,)), r"no u32"),
        (with_step(push=()), r"pushes 0 bytes to kernel 'scale', which takes 4"),
        (with_step(push=(0,) * 33), r"pushes 132 bytes"),
        (with_step(layer=5), r"is of layer 5"),
        (with_step(layer=-1), r"is of layer -1"),
        (replace(PLAN, live_bytes=PLAN.arena_bytes + 1), r"arena is smaller"),
        (replace(PLAN, live_bytes=-1), r"arena is smaller"),
        (replace(PLAN, weight_bytes=(512,) * 2), r"512 bytes of weights"),
        (replace(PLAN, weight_bytes=(768, -256)), r"bytes of weights"),
        (replace(PLAN, features=("rayTracing",)), r"unknown features \['rayTracing'\]"),
        (
            replace(PLAN, inputs=(TensorSpec("x", (1, 0), np.dtype("f4")),)),
            r"an input or output is empty",
        ),
        (
            replace(PLAN, inputs=(TensorSpec("x", (1 << 26,), np.dtype("f4")),)),
            r"input:0 has 268435456 bytes",
        ),
    ],
)
def test_what_is_out_of_bounds_is_named(plan: VulkanPlan, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        check(plan)


def test_results_of_layers_lie_within_their_buffers() -> None:
    layer = PLAN.layers[0]
    assert layer.result is not None
    for wrong in (
        {"buffer": 9},
        {"buffer": -1},
        {"offset": 1000},
        {"offset": -4},
        {"shape": (-1,)},
    ):
        moved = replace(layer, result=replace(layer.result, **wrong))
        with pytest.raises(PlanError, match="the result of layer0"):
            check(replace(PLAN, layers=(moved, *PLAN.layers[1:])))


def test_a_kernel_that_needs_more_than_the_plan_says_is_refused() -> None:
    half = self_test.kernel(16, 32)
    with pytest.raises(PlanError, match="storageBuffer16BitAccess"):
        check(PLAN, half=half)
    check(replace(PLAN, features=("storageBuffer16BitAccess",)), half=half)


def words_of(data: bytes) -> Any:
    return np.frombuffer(data, "<u4").copy()


def changed(data: bytes, before: list[int], after: list[int]) -> bytes:
    """Return a module with the words ``before`` replaced."""
    old, new = (np.array(words, "<u4").tobytes() for words in (before, after))
    assert data.count(old) == 1
    return data.replace(old, new)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ([2 << 16 | 17, 1], [2 << 16 | 17, 6], "unknown capability 6"),
        ([17, 64, 1, 1], [17, 64, 2, 2], "workgroups of 256 invocations"),
        ([17, 64, 1, 1], [17, 64, 0, 1], "workgroups of 0 invocations"),
        ([0x6E69616D, 0], [0x6E69616E, 0], "entry points"),
        ([33, 1, 2 << 16 | 19], [33, 2, 2 << 16 | 19], r"bindings \(0, 2\)"),
        ([0x07230203], [0x07230204], "no SPIR-V module"),
        ([0x00010300], [0x00010400], "no SPIR-V module of version 1.3"),
    ],
)
def test_kernels_are_what_devices_must_run(
    before: list[int], after: list[int], message: str
) -> None:
    kernel = changed(self_test.kernel(32, 32), before, after)
    with pytest.raises(PlanError, match=message):
        check(with_step(kernel="own", push=(1,)), own=kernel)


@given(st.integers(0, 400), st.integers(0, 2**32 - 1))
def test_no_word_of_a_kernel_makes_its_reader_fail_otherwise(place: int, value: int) -> None:
    words = words_of(self_test.kernel(16, 32))
    words[place % len(words)] = value
    try:
        read_kernel("own", words.tobytes())
    except PlanError:
        return


@given(st.integers(1, 1400))
def test_a_kernel_that_was_cut_is_refused(length: int) -> None:
    data = self_test.kernel(16, 32)
    starts = instruction_starts(data)
    if length < len(data) and length not in starts:
        with pytest.raises(PlanError, match=r"is cut short|is no SPIR-V module"):
            read_kernel("own", data[:length])


def instruction_starts(data: bytes) -> set[int]:
    """Return the bytes at which instructions begin."""
    words, position, found = words_of(data), 5, set()
    while position < len(words):
        found.add(4 * position)
        position += int(words[position]) >> 16
    return found


def test_steps_wait_where_one_writes_what_the_other_uses() -> None:
    assert needed_barriers(PLAN.steps) == (False, False, False, True, True)


def test_steps_that_only_read_the_same_do_not_wait() -> None:
    source = part("arena", 0, read_only=True)
    steps = [
        Dispatch("scale", (source, part("arena", number)), (1, 1, 1), (), 0) for number in (1, 2)
    ]
    assert needed_barriers(steps) == (False, False)
    written = [
        Dispatch("scale", (part("arena", 0), own.ranges[1]), (1, 1, 1), (), 0) for own in steps
    ]
    assert needed_barriers(written) == (False, True)


ranges = st.builds(
    Range,
    st.sampled_from(["arena", "weights:0", "input:0", "output:0"]),
    st.integers(0, 8),
    st.integers(1, 4),
    st.booleans(),
)


@given(st.lists(st.builds(HostLayer, st.tuples(ranges, ranges), st.just(0)), max_size=12))
def test_between_steps_in_conflict_there_is_a_wait(steps: list[HostLayer]) -> None:
    barriers = needed_barriers(steps)
    for later in range(len(steps)):
        for earlier in range(later):
            conflict = any(
                one.buffer == other.buffer
                and {*range(one.offset, one.end)} & {*range(other.offset, other.end)}
                and (writes(one) or writes(other))
                for one in steps[earlier].ranges
                for other in steps[later].ranges
            )
            assert not conflict or any(barriers[earlier + 1 : later + 1])


def writes(own: Range) -> bool:
    return not own.read_only and own.buffer in ("arena", "output:0")


def test_buffers_of_tensors_end_at_whole_vectors() -> None:
    sizes = {(): 16, (1,): 16, (5,): 32, (2, 3, 4): 96}
    for shape, size in sizes.items():
        assert tensor_bytes(TensorSpec("x", shape, np.dtype("f4"))) == size
    assert buffer_sizes(PLAN) == {
        "arena": 1024, "weights:0": 256, "weights:1": 256,
        "input:0": 256, "output:0": 256, "output:1": 256, "host:arena": 0, "host:weights": 0,
    }  # fmt: skip


def test_memory_is_the_best_of_what_a_device_has() -> None:
    discrete = [DEVICE_LOCAL, MAPPED, MAPPED | HOST_CACHED, MAPPED | DEVICE_LOCAL]
    assert memory_type(discrete, 0b1111, 0, (DEVICE_LOCAL,)) == 0
    assert memory_type(discrete, 0b1111, MAPPED, (HOST_CACHED, DEVICE_LOCAL)) == 2
    assert memory_type(discrete, 0b1111, MAPPED, (DEVICE_LOCAL,)) == 3
    assert memory_type(discrete, 0b0010, MAPPED, (DEVICE_LOCAL,)) == 1
    with pytest.raises(VulkanFailure, match="no memory of the kind"):
        memory_type(discrete, 0b0001, MAPPED, ())


def test_every_kind_of_device_has_its_place() -> None:
    assert sorted(PREFERRED) == sorted(DEVICE_KINDS) and PREFERRED[-1] == "CPU"
