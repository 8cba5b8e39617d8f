"""What the pruner did, inside an exported program: read back and compared with its weights.

The record is plain data in the program's graph metadata, which `torch.export.save` keeps. The
compiler trusts the weights; the record only lets it say when they are not what the pruner left.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch.export import ExportedProgram

from pattern_mlir import patterns
from pattern_mlir.errors import PruningError
from pattern_mlir.patterns import Library
from pattern_mlir.pruning.layers import Array, LayerPlan, to_array
from pattern_mlir.pruning.pruner import Pruner

KEY = "pattern_mlir.pruning"
"""The record's name in the graph's custom metadata."""

VERSION = 1


@dataclass(frozen=True)
class LayerRecord:
    """What the pruner left of a layer.

    Attributes:
        library: its patterns; without patterns the one of all taps.
        assignment: the pattern of each kernel, [filters, channels], `patterns.EMPTY` where
            connectivity removed it.
    """

    library: Library
    assignment: npt.NDArray[np.int16]

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """Which weights stay, [filters, channels, KH, KW]."""
        kept = self.library.masks[self.assignment] & (self.assignment != patterns.EMPTY)[..., None]
        mask: npt.NDArray[np.bool_] = kept.reshape(
            *self.assignment.shape, *self.library.kernel_size
        )
        return mask


def write_record(exported: ExportedProgram, pruner: Pruner) -> None:
    """Write library, assignment and connectivity of ``pruner``'s layers into ``exported``.

    Raises:
        PruningError: the masks are not final, or the program has other layers.
    """
    if not pruner.hardened:
        raise PruningError(
            f"the masks are final after {pruner.recipe.pruning_epochs} epochs, not after"
            f" {pruner.epoch}; write the record then"
        )
    masks = {name: mask.cpu().numpy() for name, mask in pruner.masks.items()}
    attach_record(exported, pruner.pruned_plans, pruner.libraries, masks)


def attach_record(
    exported: ExportedProgram,
    plans: Sequence[LayerPlan],
    libraries: Mapping[str, Library],
    masks: Mapping[str, Array],
) -> None:
    """Write ``masks`` of the layers with ``plans`` into ``exported``, as assignments."""
    layers = {}
    for plan in plans:
        if _weight(exported, plan.name) is None:
            raise PruningError(
                f"the exported program has no weight of layer '{plan.name}'; export the model that"
                " was pruned, not one around it"
            )
        if plan.weight_rate > 1:
            continue  # weights anywhere have no patterns to record
        everything = Library(plan.kernel_size, (tuple(range(plan.shape[2] * plan.shape[3])),))
        library = libraries.get(plan.name, everything)
        assignment = patterns.assign(masks[plan.name], library)
        layers[plan.name] = {
            "shape": list(assignment.shape),
            "kernel_size": list(library.kernel_size),
            "patterns": [list(taps) for taps in library.patterns],
            "assignment": base64.b64encode(zlib.compress(assignment.tobytes())).decode(),
        }
    meta = exported.graph_module.meta
    meta["custom"] = {**meta.get("custom", {}), KEY: {"version": VERSION, "layers": layers}}


def read_record(exported: ExportedProgram) -> dict[str, LayerRecord]:
    """Return the record of each pruned layer by its name; nothing where there is no record.

    Raises:
        PruningError: the record is damaged or of another version.
    """
    record = exported.graph_module.meta.get("custom", {}).get(KEY)
    if record is None:
        return {}
    try:
        if record["version"] != VERSION:
            raise PruningError(
                f"the pruner's record in the program has version {record['version']!r}, this"
                f" pattern_mlir reads {VERSION}; export the model again"
            )
        return {name: _layer_record(layer) for name, layer in record["layers"].items()}
    except (KeyError, TypeError, ValueError, AttributeError, zlib.error) as error:
        raise PruningError(
            f"the pruner's record in the program is damaged ({type(error).__name__}: {error});"
            " export the model again"
        ) from None


def _layer_record(layer: Mapping[str, Any]) -> LayerRecord:
    library = Library(tuple(layer["kernel_size"]), tuple(map(tuple, layer["patterns"])))
    data = zlib.decompress(base64.b64decode(layer["assignment"]))
    assignment = np.frombuffer(data, np.int16).reshape(layer["shape"])
    if assignment.min() < patterns.EMPTY or assignment.max() >= len(library.patterns):
        raise ValueError("an assignment names no pattern")
    return LayerRecord(library, assignment)


def _weight(exported: ExportedProgram, name: str) -> Any:
    """Return the weight of layer ``name``, which is a parameter's name where there is no layer."""
    key = f"{name}.weight" if name else "weight"
    return exported.state_dict.get(key, exported.state_dict.get(name))


def disagreements(exported: ExportedProgram) -> list[str]:
    """Return one line for each layer whose weights are not what the pruner's record says.

    Kept weights that happen to be zero agree.
    """
    try:
        record = read_record(exported)
    except PruningError as error:
        return [str(error)]
    found = []
    for name, layer in record.items():
        tensor = _weight(exported, name)
        if tensor is None or tuple(tensor.shape) != layer.mask.shape:
            found.append(
                f"layer '{name}': the pruner's record is of a weight {list(layer.mask.shape)} that"
                " the program has not; compiled without it"
            )
            continue
        wrong = int(np.count_nonzero(to_array(tensor)[~layer.mask]))
        if wrong:
            found.append(
                f"layer '{name}': {wrong} weights that the pruner removed are not zero; compiled"
                " from the weights as they are, prune or load the model again"
            )
    return found
