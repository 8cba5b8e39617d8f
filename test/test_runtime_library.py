"""The C runtime from Python: every unit once, in order, on the threads of its own instance."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import pytest

from pattern_mlir.runtime.library import Instance, Layer, LayerFunction, RuntimeFailure


def layer(
    function: Callable[[Any, int, int], None],
    extent: int,
    boundaries: tuple[int, ...] | None = None,
    chunk: int = 0,
) -> tuple[Layer, Any]:
    """Return a layer of a Python function, and the object that keeps it alive."""
    callback = LayerFunction(function)
    address = ctypes.cast(callback, ctypes.c_void_p).value
    assert address is not None
    return Layer(address, extent, boundaries, chunk), callback


def counting(
    extent: int, boundaries: tuple[int, ...] | None = None, chunk: int = 0
) -> tuple[Any, Any, Any, Any]:
    """Return a layer that counts how often each unit is computed, and the ranges it got."""
    counts, ranges = np.zeros(max(extent, 1), np.int64), []

    def count(buffers: Any, low: int, high: int) -> None:
        ranges.append((low, high))
        counts[low:high] += 1

    return *layer(count, extent, boundaries, chunk), counts, ranges


def pieces(bounds: Sequence[int]) -> list[tuple[int, int]]:
    """Return the pieces of shares: half of a share, half of the rest and so on, four at most."""
    found = []
    for low, high in pairwise(bounds):
        cuts = [high - ((high - low) >> piece) for piece in range(4)]
        found += [pair for pair in pairwise([*cuts, high]) if pair[0] < pair[1]]
    return found


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
@pytest.mark.parametrize("extent", [0, 1, 7, 1000])
@pytest.mark.parametrize("chunk", [0, 1, 3, 1001])
def test_every_unit_is_computed_once(chunk: int, extent: int, threads: int) -> None:
    own, _alive, counts, ranges = counting(extent, chunk=chunk)
    with Instance([own], threads) as instance:
        for _ in range(3):
            instance.run([])
    assert (counts[:extent] == 3).all()
    assert all(low < high for low, high in ranges)


@pytest.mark.parametrize("threads", [1, 3])
def test_chunks_go_to_whoever_is_free_and_cover_every_unit(threads: int) -> None:
    ranges: list[tuple[int, int]] = []
    own, _alive = layer(lambda buffers, low, high: ranges.append((low, high)), 10, chunk=4)
    with Instance([own], threads) as instance:
        instance.run([])
    assert sorted(ranges) == [(0, 4), (4, 8), (8, 10)]


def test_a_profile_times_every_layer() -> None:
    made = [layer(lambda buffers, low, high: time.sleep(0.002), 1), layer(lambda *_: None, 1)]
    with Instance([own for own, _ in made]) as instance:
        slow, fast = instance.profile([])
    assert slow >= 2_000_000 and 0 <= fast < slow


def test_boundaries_say_which_units_a_thread_computes() -> None:
    own, _alive, counts, ranges = counting(100, (0, 70, 70, 100))
    with Instance([own], 3) as instance:
        instance.run([])
    first = [(0, 35), (35, 53), (53, 62), (62, 70)]
    second = [(70, 85), (85, 93), (93, 97), (97, 100)]
    assert sorted(ranges) == first + second == pieces([0, 70, 70, 100])
    assert (counts == 1).all()


def test_threads_that_are_done_help_those_that_are_not() -> None:
    ranges: list[tuple[int, int]] = []

    def wait_for_the_rest(buffers: Any, low: int, high: int) -> None:
        end = time.monotonic() + 60
        while low == 0 and sum(b - a for a, b in ranges) < 100 - high and time.monotonic() < end:
            time.sleep(0.001)
        ranges.append((low, high))

    own, _alive = layer(wait_for_the_rest, 100)
    with Instance([own], 2) as instance:
        instance.run([])
    assert ranges[-1] == (0, 25) and sorted(ranges) == pieces([0, 50, 100])


@pytest.mark.parametrize(
    ("boundaries", "threads", "expected"),
    [
        ((0, 9), 3, (0, 3, 6, 9)),
        ((0, 2, 10), 1, (0, 10)),
        ((0, 2, 10), 4, (0, 1, 2, 6, 10)),
        ((0, 0, 8, 8), 2, (0, 4, 8)),
        ((0, 2), 5, (0, 0, 1, 1, 2, 2)),
    ],
)
def test_parts_of_equal_work_are_split_anew(
    boundaries: tuple[int, ...], threads: int, expected: tuple[int, ...]
) -> None:
    own, _alive, counts, ranges = counting(boundaries[-1], boundaries)
    with Instance([own], threads) as instance:
        instance.run([])
    assert sorted(ranges) == (pieces(expected) if threads > 1 else [(0, boundaries[-1])])
    assert (counts == 1).all()


@pytest.mark.parametrize("chunk", [-1, 2**63])
def test_a_chunk_out_of_range_is_refused(chunk: int) -> None:
    own, _alive = layer(lambda *_: None, 1, chunk=chunk)
    with pytest.raises(RuntimeFailure, match=f"chunk must be from 0 to .*, got {chunk}"):
        Instance([own])


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
@pytest.mark.parametrize("chunk", [0, 7])
def test_layers_run_in_order_and_wait_for_each_other(chunk: int, threads: int) -> None:
    seen: list[int] = []
    layers: Sequence[tuple[Layer, Any]] = [
        layer(
            lambda buffers, low, high, number=number: seen.extend([number] * (high - low)),
            50,
            chunk=chunk,
        )
        for number in range(4)
    ]
    with Instance([own for own, _ in layers], threads) as instance:
        instance.run([])
    assert seen == sorted(seen) and len(seen) == 200


PASS_ON = """
define void @pass_on(ptr %buffers, i64 %low, i64 %high) {
  %from = load ptr, ptr %buffers
  %next = getelementptr ptr, ptr %buffers, i64 1
  %to = load ptr, ptr %next
  br label %loop
loop:
  %i = phi i64 [ %low, %0 ], [ %after, %loop ]
  %opposite = sub i64 999, %i
  %source = getelementptr i64, ptr %from, i64 %opposite
  %value = load i64, ptr %source
  %more = add i64 %value, 1
  %target = getelementptr i64, ptr %to, i64 %i
  store i64 %more, ptr %target
  %after = add i64 %i, 1
  %left = icmp slt i64 %after, %high
  br i1 %left, label %loop, label %done
done:
  ret void
}
"""
"""Stores, at each unit, one more than what the unit opposite holds."""


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
@pytest.mark.parametrize("chunk", [0, 7])
def test_compiled_layers_read_what_other_threads_wrote_in_the_layer_before(
    chunk: int, threads: int
) -> None:
    """Machine code runs without Python's lock: threads meet in the runtime only."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    there, back = PASS_ON, PASS_ON.replace("@pass_on", "@pass_back")
    back = back.replace("ptr %from, i64 %opp", "ptr %to, i64 %opp")
    back = back.replace("ptr %to, i64 %i", "ptr %from, i64 %i")
    engine = llvm.create_mcjit_compiler(
        llvm.parse_assembly(there + back, llvm.create_context()),
        llvm.Target.from_default_triple().create_target_machine(),
    )
    engine.finalize_object()
    layers = [
        Layer(engine.get_function_address(name), 1000, chunk=chunk)
        for name in ("pass_on", "pass_back")
    ]
    first, second = np.arange(1000), np.zeros(1000, np.int64)
    with Instance(layers * 50, threads) as instance:
        instance.run([first.ctypes.data, second.ctypes.data])
    np.testing.assert_array_equal(first, np.arange(1000) + 100)


def test_layers_get_the_buffers_of_the_run() -> None:
    found: list[int] = []
    own, _alive = layer(lambda buffers, low, high: found.extend(buffers[i] for i in range(3)), 1)
    with Instance([own]) as instance:
        instance.run([64, 128, 192])
        instance.run([1, 2, 3])
    assert found == [64, 128, 192, 1, 2, 3]


def test_two_instances_run_side_by_side() -> None:
    made = [counting(100) for _ in range(2)]
    instances = [Instance([own], 2) for own, *_ in made]
    workers = [
        threading.Thread(target=lambda i=i: [i.run([]) for _ in range(20)]) for i in instances
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for instance in instances:
        instance.close()
    assert all((counts == 20).all() for _, _, counts, _ in made)


def test_an_instance_that_runs_refuses_a_second_caller_and_to_be_closed() -> None:
    entered, leave = threading.Event(), threading.Event()

    def wait(buffers: Any, low: int, high: int) -> None:
        entered.set()
        leave.wait(10)

    own, _alive = layer(wait, 1)
    with Instance([own]) as instance:
        first = threading.Thread(target=lambda: instance.run([]))
        first.start()
        assert entered.wait(10)
        with pytest.raises(RuntimeFailure, match="give each thread an instance of its own"):
            instance.run([])
        with pytest.raises(RuntimeFailure, match="give each thread an instance of its own"):
            instance.close()
        leave.set()
        first.join()
        instance.run([])


def test_a_child_process_is_told_to_make_its_own_instance() -> None:
    own, _alive, counts, _ = counting(4)
    instance = Instance([own], 2)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            instance.run([])
        except RuntimeFailure as error:
            instance.close()  # leaves the parent's threads alone
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    assert os.read(reader, 1000).decode().endswith("create one after fork")
    os.close(reader)
    instance.run([])
    instance.close()
    assert (counts == 1).all()


def test_closing_twice_does_nothing_and_a_closed_instance_refuses_to_run() -> None:
    own, _alive, _, _ = counting(1)
    instance = Instance([own], 2)
    instance.close()
    instance.close()
    with pytest.raises(RuntimeFailure, match="the instance is closed"):
        instance.run([])


@pytest.mark.parametrize("threads", [0, -1, 257, 1000])
def test_a_number_of_threads_out_of_range_is_refused(threads: int) -> None:
    with pytest.raises(RuntimeFailure, match="threads must be from 1 to 256"):
        Instance([], threads)
