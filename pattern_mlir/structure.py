"""How a model's outputs are nested, in plain Python: tuples, lists and dicts of their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pattern_mlir.decoding import DecodingError

Structure = Any
"""A number of an output, or {"tuple": […]}, {"list": […]}, {"dict": [[key, …], …]}: JSON."""


def structure_of(value: Any) -> Structure:
    """Return the structure of nested containers of numbers; other containers count as tuples.

    Keys that JSON has no form for become text.
    """
    if isinstance(value, dict):
        return {"dict": [[_key(key), structure_of(item)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return {
            type(value).__name__ if type(value) in (list, tuple) else "tuple": [
                structure_of(item) for item in value
            ]
        }
    return value


def _key(key: Any) -> Any:
    return key if key is None or type(key) in (str, int, float, bool) else str(key)


def check_structure(structure: Structure, count: int) -> None:
    """Raise DecodingError unless ``structure`` nests so many outputs."""
    if structure is None:
        return
    if type(structure) is int:
        if not 0 <= structure < count:
            raise DecodingError(f"there is no output {structure}")
        return
    try:
        ((kind, items),) = structure.items()
        values = [item for _key, item in items] if kind == "dict" else list(items)
    except (AttributeError, TypeError, ValueError):
        raise DecodingError(f"{structure!r:.60} nests no outputs") from None
    if kind not in ("dict", "list", "tuple"):
        raise DecodingError(f"{kind!r:.60} nests no outputs")
    for value in values:
        check_structure(value, count)


def nested(structure: Structure, outputs: Sequence[Any]) -> Any:
    """Return ``outputs`` nested as ``structure`` says."""
    if isinstance(structure, int):
        return outputs[structure]
    if structure is None:
        return None
    ((kind, items),) = structure.items()
    if kind == "dict":
        return {key: nested(item, outputs) for key, item in items}
    values = [nested(item, outputs) for item in items]
    return values if kind == "list" else tuple(values)
