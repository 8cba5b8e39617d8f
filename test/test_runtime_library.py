"""The C runtime from Python: every unit once, in order, on the threads of its own instance."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

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


def counting(extent: int, boundaries: tuple[int, ...] | None = None) -> tuple[Any, Any, Any, Any]:
    """Return a layer that counts how often each unit is computed, and the ranges it got."""
    counts, ranges = np.zeros(max(extent, 1), np.int64), []

    def count(buffers: Any, low: int, high: int) -> None:
        ranges.append((low, high))
        counts[low:high] += 1

    return *layer(count, extent, boundaries), counts, ranges


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
@pytest.mark.parametrize("extent", [0, 1, 7, 1000])
def test_every_unit_is_computed_once(extent: int, threads: int) -> None:
    own, _alive, counts, ranges = counting(extent)
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
    own, _alive, counts, ranges = counting(10, (0, 7, 7, 10))
    with Instance([own], 3) as instance:
        instance.run([])
    assert sorted(ranges) == [(0, 7), (7, 10)] and (counts == 1).all()


def test_boundaries_for_another_number_of_threads_are_refused() -> None:
    own, _alive, _, _ = counting(10, (0, 5, 10))
    with pytest.raises(RuntimeFailure, match="split in 2 parts, but there are 3 threads"):
        Instance([own], 3)


def test_layers_run_in_order_and_wait_for_each_other() -> None:
    seen: list[int] = []
    layers: Sequence[tuple[Layer, Any]] = [
        layer(lambda buffers, low, high, number=number: seen.extend([number] * (high - low)), 50)
        for number in range(4)
    ]
    with Instance([own for own, _ in layers], 3) as instance:
        instance.run([])
    assert seen == sorted(seen) and len(seen) == 200


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


def test_an_instance_that_runs_refuses_a_second_caller() -> None:
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
            os.write(writer, b"ran")
        except RuntimeFailure as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 1000).decode().endswith("create one after fork")
    instance.run([])
    instance.close()
    assert (counts == 1).all()


def test_closing_twice_does_nothing_and_a_closed_instance_refuses_to_run() -> None:
    own, _alive, _, _ = counting(1)
    instance = Instance([own], 2)
    instance.close()
    instance.close()
    with pytest.raises(RuntimeFailure, match="argument is null"):
        instance.run([])


@pytest.mark.parametrize("threads", [0, -1, 257, 1000])
def test_a_number_of_threads_out_of_range_is_refused(threads: int) -> None:
    with pytest.raises(RuntimeFailure, match="threads must be from 1 to 256"):
        Instance([], threads)
