"""The recipe: what is pruned, how far, and how it is trained; plain data, kept as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from dataclasses import dataclass
from importlib import resources
from typing import Any

from pattern_mlir.errors import PruningError, did_you_mean
from pattern_mlir.pattern_selection import ELBOW, LIBRARIES

METHODS = ("admm", "proximal", "gradual", "one_shot")

EXTRACTED = "extracted"
"""The name of a library that is taken from the model's own weights."""

CHOICES = {
    "method": METHODS,
    "library": (EXTRACTED, *LIBRARIES),
    "scope": ("model", "layer"),
    "allocation": ("uniform", "global"),
    "first": ("dense", "prune"),
    "last": ("prune", "dense"),
    "pointwise": ("connectivity", "dense"),
    "depthwise": ("dense", "patterns"),
    "grouped": ("prune", "dense"),
    "other_sizes": ("connectivity", "patterns", "dense"),
}
"""What each field of a `Recipe` that takes words may say."""


@dataclass(frozen=True)
class Recipe:
    """How a model is pruned.

    Attributes:
        method: `admm` (arXiv 1804.03294, 2001.00138), `proximal`, `gradual` (arXiv 1710.01878) or
            `one_shot`, which prunes before the first step; see docs/pruning.md.
        patterns: how many patterns an extracted library has, or `elbow`.
        taps: how many weights a 3x3 kernel keeps; kernels of other sizes keep the same share.
        centre: whether every extracted pattern has the middle tap.
        library: `extracted`, or the name of a fixed one in `pattern_selection.LIBRARIES`.
        scope: whether the `model` has one library (for each kernel size) or each `layer` its own.
        connectivity_rate: kernels over kept kernels.
        compression: weights over kept weights of the layers that are pruned, patterns and
            connectivity together; if given, it takes the place of the connectivity rate.
        allocation: `uniform`: each layer at this rate; `global`: kernels of all layers compete.
        balanced: every filter keeps equally many kernels (arXiv 1909.05073).
        unstructured: keep the largest weights wherever they are, at the same rate, without
            patterns and connectivity; the usual baseline, which the compiler cannot use well.
        skip: names of layers that stay dense, or regular expressions for whole names.
        first, last: whether the first and the last convolution are pruned.
        pointwise: whether 1x1 convolutions lose kernels.
        pointwise_rate: their connectivity rate, if not that of all.
        pointwise_block: how many filters of a 1x1 convolution share their channels.
        depthwise: whether depthwise kernels are cut to patterns; all of them stay.
        grouped: whether other convolutions with groups are pruned.
        other_sizes: what happens to kernels that are neither 1x1 nor 3x3.
        late_block: how many filters of a late layer share channels and patterns; 1: none.
        late_filters: how many filters make a layer a late one.
        prune_epochs: epochs before the masks are final; `one_shot` has none.
        retrain_epochs: epochs after that.
        epochs_per_round: epochs between two projections (rounds).
        reextract: extract the library anew in each round (arXiv 2001.07710).
        rho: strength of the penalty in the first round (`admm`), or how far each step pulls
            pruned weights to zero (`proximal`).
        rho_final: the same in the last round; in between it grows by a constant factor.
        seed: of `training.seed_everything`.

    Raises:
        PruningError: a value is out of range.
    """

    method: str = "admm"
    patterns: int | str = 8
    taps: int = 4
    centre: bool = True
    library: str = EXTRACTED
    scope: str = "model"
    connectivity_rate: float = 3.6
    compression: float | None = None
    allocation: str = "uniform"
    balanced: bool = False
    unstructured: bool = False
    skip: tuple[str, ...] = ()
    first: str = "dense"
    last: str = "prune"
    pointwise: str = "connectivity"
    pointwise_rate: float | None = None
    pointwise_block: int = 4
    depthwise: str = "dense"
    grouped: str = "prune"
    other_sizes: str = "connectivity"
    late_block: int = 1
    late_filters: int = 256
    prune_epochs: int = 30
    retrain_epochs: int = 30
    epochs_per_round: int = 1
    reextract: bool = True
    rho: float = 1e-3
    rho_final: float = 1e-1
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every value."""
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise PruningError(
                    f"recipe: {name} = {value!r} is not known{did_you_mean(str(value), choices)}"
                    f" (one of {', '.join(choices)})"
                )
        if self.patterns != ELBOW:
            self._require_number("patterns", 1, whole=True)
        for name in ("taps", "pointwise_block", "late_block", "late_filters", "epochs_per_round"):
            self._require_number(name, 1, whole=True)
        for name in ("prune_epochs", "retrain_epochs", "seed"):
            self._require_number(name, 0, whole=True)
        for name in ("connectivity_rate", "compression", "pointwise_rate"):
            if getattr(self, name) is not None or name == "connectivity_rate":
                self._require_number(name, 1)
        for name in ("rho", "rho_final"):
            self._require_number(name, 0)
        if self.rho == 0 and self.rho_final != 0:
            raise PruningError("recipe: rho = 0 cannot grow to rho_final; give a small rho")
        if isinstance(self.skip, str):
            raise PruningError("recipe: skip takes a tuple of names, not one text")
        object.__setattr__(self, "skip", tuple(self.skip))
        for expression in self.skip:
            try:
                re.compile(expression)
            except re.error as error:
                raise PruningError(
                    f"recipe: skip = {expression!r} is no pattern: {error}"
                ) from None

    def _require_number(self, name: str, least: float, whole: bool = False) -> None:
        value = getattr(self, name)
        kind = int if whole else (int, float)
        fits = isinstance(value, kind) and not isinstance(value, bool)
        if not fits or not math.isfinite(value) or value < least:
            what = "a whole number" if whole else "a number"
            raise PruningError(f"recipe: {name} = {value!r} must be {what} of at least {least}")

    @property
    def pruning_epochs(self) -> int:
        """Epochs before the masks are final: 0 for `one_shot`."""
        return 0 if self.method == "one_shot" else self.prune_epochs

    @property
    def epochs(self) -> int:
        """All epochs of training."""
        return self.pruning_epochs + self.retrain_epochs

    def rho_at(self, epoch: int) -> float:
        """Return the penalty's strength in ``epoch``, which counts from 0."""
        rounds = max(math.ceil(self.prune_epochs / self.epochs_per_round) - 1, 1)
        progress = min(epoch // self.epochs_per_round / rounds, 1.0)
        if self.rho == 0:
            return 0.0
        return float(self.rho * (self.rho_final / self.rho) ** progress)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as what JSON can hold."""
        return {**dataclasses.asdict(self), "skip": list(self.skip)}

    def to_json(self) -> str:
        """Return the recipe as JSON."""
        return json.dumps(self.to_dict(), indent=2)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Recipe:
        """Return the recipe with ``fields``; those that are missing have their defaults.

        Raises:
            PruningError: a field is unknown, or its value out of range.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for name in fields:
            if name not in known:
                raise PruningError(
                    f"recipe: there is no field '{name}'{did_you_mean(name, known)}"
                    f" (has: {', '.join(known)})"
                )
        values: dict[str, Any] = dict(fields)
        if isinstance(fields.get("skip"), list):
            values["skip"] = tuple(fields["skip"])
        return cls(**values)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Return the recipe that ``text`` describes; raise PruningError where it is none."""
        try:
            fields = json.loads(text)
        except ValueError as error:
            raise PruningError(f"the recipe is no JSON: {error}") from None
        if not isinstance(fields, dict):
            raise PruningError("the recipe must be a JSON object of fields")
        return cls.from_dict(fields)

    @classmethod
    def named(cls, name: str) -> Recipe:
        """Return the recipe for the network ``name`` of the zoo; raise PruningError else."""
        recipes = json.loads(resources.files(__package__).joinpath("recipes.json").read_text())
        if name not in recipes:
            raise PruningError(
                f"there is no recipe for '{name}'{did_you_mean(name, recipes)}"
                f" (there is one for {', '.join(recipes)})"
            )
        return cls.from_dict(recipes[name])
