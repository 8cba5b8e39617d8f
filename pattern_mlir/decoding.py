"""From JSON to dataclasses: what is not exactly what the classes say is refused."""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Sequence
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

Kind = TypeVar("Kind")


class DecodingError(ValueError):
    """A value is of another kind than what it is decoded to."""


def decoded(kind: type[Kind], value: Any) -> Kind:
    """Return ``value``, which `json.loads` returned, as the dataclass ``kind``.

    Fields are numbers, text, truth values, types of numpy by name, tuples, dictionaries, optional
    values and dataclasses, whose keys are their fields; a field with a default may be missing. Of
    several dataclasses the first that the keys fit is taken.

    Raises:
        DecodingError: the value is of another kind, or a key is unknown or missing.
    """
    result: Kind = _decoded(kind, value)
    return result


def _decoded(kind: Any, value: Any) -> Any:
    if kind is Any:
        return value
    if get_origin(kind) is tuple:
        return _tuple(get_args(kind), value)
    if get_origin(kind) in (Union, types.UnionType):
        return _one_of(get_args(kind), value)
    if get_origin(kind) is dict:
        return _dictionary(get_args(kind)[1], value)
    if get_origin(kind) is np.dtype:
        return _element_type(value)
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, value)
    if kind is float and type(value) is int:
        return float(value)
    if kind in (int, float, str, bool, types.NoneType) and type(value) is kind:
        return value
    raise DecodingError(f"{value!r:.60} is no {getattr(kind, '__name__', kind)}")


def _tuple(kinds: Sequence[Any], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise DecodingError(f"{value!r:.60} is no list")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_decoded(kinds[0], item) for item in value)
    if len(kinds) != len(value):
        raise DecodingError(f"a list has {len(value)} items instead of {len(kinds)}")
    return tuple(map(_decoded, kinds, value))


def _one_of(kinds: Sequence[Any], value: Any) -> Any:
    if value is None and types.NoneType in kinds:
        return None
    others = [kind for kind in kinds if kind is not types.NoneType]
    if isinstance(value, dict):
        fitting = [kind for kind in others if _required(kind) <= value.keys() <= {*_fields(kind)}]
        others = fitting[:1] or others[:1]
    return _decoded(others[0], value)


def _dictionary(kind: Any, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DecodingError(f"{value!r:.60} is no dictionary")
    return {key: _decoded(kind, item) for key, item in value.items()}


def _element_type(value: Any) -> np.dtype[Any]:
    if not isinstance(value, str):
        raise DecodingError(f"{value!r:.60} is no element type")
    try:
        element = np.dtype(value)
    except (TypeError, ValueError):
        raise DecodingError(f"{value!r:.60} is no element type") from None
    if element.name != value or element.hasobject or element.names:
        raise DecodingError(f"{value!r:.60} is no element type")
    return element


def _dataclass(kind: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        raise DecodingError(f"{value!r:.60} is no {kind.__name__}")
    kinds = _fields(kind)
    for key in value:
        if key not in kinds:
            raise DecodingError(f"{kind.__name__} has no '{key:.60}'")
    for name in sorted(_required(kind) - value.keys()):
        raise DecodingError(f"{kind.__name__} lacks '{name}'")
    return kind(**{key: _decoded(kinds[key], item) for key, item in value.items()})


@functools.cache
def _fields(kind: Any) -> dict[str, Any]:
    """Return the kind of each field of a dataclass."""
    return get_type_hints(kind)


@functools.cache
def _required(kind: Any) -> frozenset[str]:
    """Return the fields of a dataclass that have no default."""
    missing = dataclasses.MISSING
    return frozenset(field.name for field in dataclasses.fields(kind) if field.default is missing)
