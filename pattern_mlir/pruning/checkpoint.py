"""Checkpoints: model, optimizer, pruner and random numbers in one file, resumed bit for bit.

A safetensors file: nothing is unpickled. What is not a tensor is JSON in its header.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from pattern_mlir.errors import CheckpointError, TrainingError
from pattern_mlir.parameters import atomic_file
from pattern_mlir.pruning.layers import unwrapped
from pattern_mlir.pruning.pruner import Pruner

KEY = "pattern_mlir.checkpoint"
VERSION = "1"


def save_checkpoint(
    path: str | os.PathLike[str],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    pruner: Pruner,
    **others: Any,
) -> None:
    """Write a checkpoint to ``path``, whole or not at all.

    ``others`` are what else has a state, by name: objects with `state_dict` and `load_state_dict`
    (schedulers, gradient scalers, averaged models) or generators of random numbers.

    Raises:
        TrainingError: the model holds NaN or Inf; the checkpoint that is there stays.
    """
    state = unwrapped(model).state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise TrainingError(
                f"'{name}' is NaN or Inf after epoch {pruner.epoch}; no checkpoint was written,"
                f" the last one is '{pruner.last_checkpoint or path}'"
            )
    tree = {
        "model": state,
        "optimizer": optimizer.state_dict(),
        "pruner": pruner.state_dict(),
        "others": {name: _state(other) for name, other in others.items()},
        "random": _random_state(),
    }
    tensors: dict[str, Tensor] = {}
    text = json.dumps(_encode(tree, "", tensors))
    with atomic_file(Path(path)) as temporary:
        safetensors.torch.save_file(tensors, temporary, {KEY: text, "version": VERSION})
    pruner.last_checkpoint = str(path)


def resume_checkpoint(
    path: str | os.PathLike[str],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    pruner: Pruner,
    **others: Any,
) -> None:
    """Go on from the checkpoint at ``path``; arguments as for `save_checkpoint`.

    Raises:
        CheckpointError: the file is missing or damaged, of another recipe or of another model.
    """
    tree = _read(Path(path))
    missing = sorted(others.keys() ^ tree["others"].keys())
    if missing:
        raise CheckpointError(
            f"'{path}' holds {_names(tree['others'])} beside model and optimizer, resumed are"
            f" {_names(others)}; pass the same"
        )
    try:
        pruner.load_state_dict(tree["pruner"])
    except CheckpointError as error:
        raise CheckpointError(f"'{path}': {error}") from None
    try:
        unwrapped(model).load_state_dict(tree["model"])
        optimizer.load_state_dict(tree["optimizer"])
    except (RuntimeError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"'{path}' is of another model or optimizer: {' '.join(str(error).split())}"
        ) from None
    for name, other in others.items():
        setter = other.set_state if isinstance(other, torch.Generator) else other.load_state_dict
        setter(tree["others"][name])
    _set_random_state(tree["random"])
    pruner.last_checkpoint = str(path)


def _names(others: Any) -> str:
    return ", ".join(others) or "nothing"


def _state(other: Any) -> Any:
    return other.get_state() if isinstance(other, torch.Generator) else other.state_dict()


def _random_state() -> dict[str, Any]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    name, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    return {
        "torch": torch.get_rng_state(),
        "cuda": cuda,
        "numpy": (name, [int(key) for key in keys], position, has_gauss, gauss),
        "python": random.getstate(),
    }


def _set_random_state(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    name, keys, position, has_gauss, gauss = state["numpy"]
    np.random.set_state((name, np.array(keys, np.uint32), position, has_gauss, gauss))
    random.setstate(state["python"])


def _encode(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Return ``value`` as JSON; tensors in it go into ``tensors``, by their path."""
    if isinstance(value, Tensor):
        # Copies: safetensors refuses tensors that share memory, as tied weights do.
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"tensor": name}
    if isinstance(value, dict):
        items = [[key, _encode(item, f"{name}/{key}", tensors)] for key, item in value.items()]
        return {"dict": items}
    if isinstance(value, (list, tuple)):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_encode(v, f"{name}/{i}", tensors) for i, v in enumerate(value)]}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise CheckpointError(
        f"'{name.lstrip('/')}' is of type {type(value).__name__}, which a checkpoint cannot hold;"
        " keep numbers, texts, tensors and containers of them in state_dict"
    )


def _decode(value: Any, tensors: dict[str, Tensor]) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {key: _decode(item, tensors) for key, item in content}
    build: Callable[..., Any] = {"list": list, "tuple": tuple}[kind]
    return build(_decode(item, tensors) for item in content)


def _read(path: Path) -> dict[str, Any]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if KEY not in metadata or metadata.get("version") != VERSION:
            raise ValueError("it is no checkpoint of this version")
        tree: dict[str, Any] = _decode(json.loads(metadata[KEY]), tensors)
        for name in ("model", "optimizer", "pruner", "others", "random"):
            tree[name]
    except FileNotFoundError:
        raise CheckpointError(f"there is no checkpoint '{path}'") from None
    except (OSError, safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"'{path}' is no checkpoint of pattern_mlir, or is damaged ({error})"
        ) from None
    return tree
