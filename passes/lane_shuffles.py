"""Changes between lane blocks: vectors that are made of a few others, by shuffling lanes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pattern_mlir.relayout_cost import MOST_SOURCES

MOST_SHUFFLES = 64
"""Ways in which a plane's vectors are made: each is a loop of its own."""


@dataclass(frozen=True)
class Shuffle:
    """One way to make vectors of a plane of others.

    Attributes:
        picks: for each lane the number of the source and the lane there; None for the fill.
        count: how many vectors of a plane are made so.
    """

    picks: tuple[tuple[int, int] | None, ...]
    count: int

    @property
    def sources(self) -> int:
        """Vectors that each is made of."""
        return 1 + max((pick[0] for pick in self.picks if pick), default=-1)


def shuffles(
    table: npt.NDArray[np.int32], lanes: int
) -> tuple[list[Shuffle], list[int], list[int]]:
    """Return how the vectors of a plane are made of those of the plane before.

    ``table`` is that of `relayout_table`, of whole vectors on both sides.

    Returns:
        The ways; for the vectors of each way, where they begin and where their sources do, in
        elements, one after the other; the numbers of vectors that are better gathered.
    """
    ways: dict[tuple[tuple[int, int] | None, ...], list[list[int]]] = {}
    gathered = []
    for number, positions in enumerate(table.reshape(-1, lanes).tolist()):
        sources = list(dict.fromkeys(at // lanes for at in positions if at >= 0))
        picks = tuple(
            (sources.index(at // lanes), at % lanes) if at >= 0 else None for at in positions
        )
        if len(sources) > MOST_SOURCES or (picks not in ways and len(ways) == MOST_SHUFFLES):
            gathered.append(number)
            continue
        ways.setdefault(picks, []).append([lanes * own for own in (number, *sources)])
    places = [at for made in ways.values() for own in made for at in own]
    found = [Shuffle(picks, len(made)) for picks, made in ways.items()]
    return found, places, gathered
