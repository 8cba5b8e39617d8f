"""Packed weights (FKW, arXiv 2001.00138) as kernels in lane blocks read them: tables by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from pattern_mlir.parameters import Array
from pattern_mlir.passes.lane_kernel import LaneKernel
from pattern_mlir.patterns import Library, PackedWeights, pack
from pattern_mlir.tap_lanes import CHAINS, taps_a_pixel

Tables = dict[str, npt.NDArray[Any]]


def weight_tables(
    weight: Array,
    library: Library | None,
    kernel: LaneKernel,
    groups: int,
    bounds: npt.NDArray[np.int64] | None = None,
) -> Tables:
    """Return the tables of ``weight`` as ``kernel`` reads them.

    Args:
        weight: of a convolution, [filters, channels, KH, KW].
        library: has its patterns; None where filters of a block share all channels.
        kernel: what reads them.
        groups: of the convolution.
        bounds: of the groups of filters where inputs stay in registers, see `group_bounds`.

    Raises:
        ValueError: a kernel follows no pattern, or there is too much to count.
    """
    if library is not None and bounds is not None:
        return channel_tables(pack(weight, library), kernel.channels, bounds)
    if library is not None and kernel.taps_in_lanes:
        return tap_tables(pack(weight, library))
    parts = []
    for first in range(0, weight.shape[1], kernel.channel_block):
        part = np.ascontiguousarray(weight[:, first : first + kernel.channel_block])
        if library is None:
            parts.append(_shared_kernel_tables(part, kernel.block, groups))
        else:
            parts.append(_kernel_tables(pack(part, library), groups, kernel.block))
    return _joined_tables(parts, kernel)


def group_bounds(thread_bounds: Sequence[int], most: int) -> npt.NDArray[np.int64]:
    """Return the first filter of each group of at most ``most``, and how many filters there are.

    Thread t computes the filters from ``thread_bounds``[t] to ``thread_bounds``[t + 1], in equally
    many groups as others.
    """
    shares = list(pairwise(thread_bounds))
    parts = max(-(-(last - first) // most) for first, last in shares)
    cuts = [np.linspace(*own, parts, endpoint=False) for own in shares]
    return np.array([*np.concatenate(cuts), thread_bounds[-1]]).astype(np.int64)


def channel_tables(packed: PackedWeights, channels: int, bounds: npt.NDArray[np.int64]) -> Tables:
    """Return the tables of a packed weight whose inputs stay in registers.

    Kernels of a group of filters, from ``bounds``[g] to ``bounds``[g + 1], stand in the order of
    channels, of a channel in that of patterns. `counts` u16 [groups x channels, patterns];
    `starts` u32 [groups + 1, 3], a group's first filter, kernel and tap; `channels` u16 [kernels],
    which filter of the group a kernel belongs to; `taps` [kernel, tap].
    """
    counts = packed.counts.astype(np.int64)
    patterns = counts.shape[1]
    groups = len(bounds) - 1
    owner, pattern = np.divmod(np.repeat(np.arange(counts.size), counts.reshape(-1)), patterns)
    group = np.repeat(np.arange(groups), np.diff(bounds))[owner]
    order = np.lexsort((owner, pattern, packed.channels, group))
    sizes = np.array([len(taps) for taps in packed.library.patterns])[pattern]
    row = group * channels + packed.channels
    kept = np.bincount(row * patterns + pattern, minlength=groups * channels * patterns)
    lengths = np.stack([np.diff(bounds), *(np.bincount(group, w, groups) for w in (None, sizes))])
    first_tap = (np.cumsum(sizes) - sizes)[order]
    before = np.cumsum(sizes[order]) - sizes[order]
    taps = np.arange(len(packed.taps)) + np.repeat(first_tap - before, sizes[order])
    return {
        "counts": kept.reshape(-1, patterns).astype(np.uint16),
        "starts": np.pad(np.cumsum(lengths, axis=1).T, ((1, 0), (0, 0))).astype(np.uint32),
        "channels": (owner - bounds[group])[order].astype(np.uint16),
        "taps": packed.taps[taps],
    }


def tap_tables(packed: PackedWeights) -> Tables:
    """Return the tables of a packed weight whose kernels multiply all taps at once.

    The kernels of a filter are one list, filled up to a multiple of `CHAINS` with kernels of zeros
    on the window of zeros. `counts` u16 [filters, 1]; `starts` as in `_kernel_tables`; `channels`
    u16 [kernels], the number of the window: channel x patterns + pattern; `taps` [kernel, tap],
    with zeros behind those of the pattern.
    """
    counts = packed.counts.astype(np.int64)
    filters, patterns = counts.shape
    pattern = np.repeat(np.tile(np.arange(patterns), filters), counts.reshape(-1))
    sizes = np.array([len(taps) for taps in packed.library.patterns])[pattern]
    width = taps_a_pixel(packed.library.patterns)
    kept = counts.sum(axis=1)
    listed = -(-kept // CHAINS) * CHAINS
    first = np.cumsum(listed) - listed
    place = np.arange(kept.sum()) + np.repeat(first - (np.cumsum(kept) - kept), kept)
    windows = np.full(listed.sum(), packed.shape[1] * patterns)
    windows[place] = packed.channels.astype(np.int64) * patterns + pattern
    taps = np.zeros((listed.sum(), width), packed.taps.dtype)
    own = np.zeros((len(place), width), packed.taps.dtype)
    own[np.arange(width) < sizes[:, None]] = packed.taps
    taps[place] = own
    return {
        "counts": listed[:, None].astype(np.uint16),
        "starts": np.stack([first, first * width], axis=1).astype(np.uint32),
        "channels": windows.astype(np.uint16),
        "taps": taps.reshape(-1),
    }


def _joined_tables(parts: list[Tables], kernel: LaneKernel) -> Tables:
    """Return the tables of all blocks of channels one after the other, as ``kernel`` reads them."""
    sizes = np.array([[len(part["channels"]), len(part["taps"])] for part in parts])
    for part, start in zip(parts, np.cumsum(sizes, axis=0) - sizes, strict=True):
        part["starts"] = part["starts"] + start.astype(np.uint32)
    tables = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return tables | {key: tables[key].astype(kernel.index_type) for key in ("counts", "channels")}


def _kernel_tables(packed: PackedWeights, groups: int, block: int = 1) -> Tables:
    """Return the tables of a packed weight as its kernel reads them.

    `counts` u16 [blocks, patterns] of kernels, which all filters of a block share; `starts` u32
    [blocks, 2], a block's first kernel and first tap; `channels` u16 [kernels], counted over all
    groups; `taps` [kernel, tap, filter of the block].
    """
    filters, group_channels = packed.shape[:2]
    counts = packed.counts.astype(np.int64)
    sizes = np.array([len(taps) for taps in packed.library.patterns])
    owner = np.repeat(np.arange(filters), counts.sum(axis=1))
    channels = packed.channels + owner // (filters // groups) * group_channels
    lengths = np.stack([counts.sum(axis=1), counts @ sizes * block], axis=1)[::block]
    if block > 1:
        channels = channels[owner % block == 0]
        filter_taps = np.split(packed.taps, np.cumsum(counts @ sizes)[:-1])
        blocks = [np.stack(filter_taps[i : i + block], axis=1) for i in range(0, filters, block)]
        packed = replace(packed, taps=np.concatenate(blocks).reshape(-1))
    return {
        "counts": packed.counts[::block],
        "starts": (np.cumsum(lengths, axis=0) - lengths).astype(np.uint32),
        "channels": channels.astype(np.uint16),
        "taps": packed.taps,
    }


def _shared_kernel_tables(weight: Array, block: int, groups: int) -> Tables:
    """Return the tables of a dense weight whose kernel computes ``block`` filters at a time.

    As `_kernel_tables`, with blocks for filters; `taps` are [block, channel, tap, filter].
    """
    filters, group_channels = weight.shape[:2]
    units = filters // block
    taps = weight.reshape(units, block, group_channels, -1).transpose(0, 2, 3, 1)
    first = np.arange(units) // (units // groups) * group_channels
    lengths = np.array([[group_channels, taps[0].size]])
    return {
        "counts": np.full((units, 1), group_channels, np.uint16),
        "starts": (np.arange(units)[:, None] * lengths).astype(np.uint32),
        "channels": (first[:, None] + np.arange(group_channels)).reshape(-1).astype(np.uint16),
        "taps": np.ascontiguousarray(taps).reshape(-1),
    }
