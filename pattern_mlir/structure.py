"""How a model's outputs are nested, in plain Python: tuples, lists and dicts of their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
