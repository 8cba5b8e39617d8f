"""From `torch.export` to a module at the torch level, with its parameters beside it."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch_mlir import ir
from torch_mlir.extras.fx_importer import FxImporter

from pattern_mlir.dialects import create_context
from pattern_mlir.errors import ImportFailure
from pattern_mlir.importer.batch_norm import fold_batch_norms
from pattern_mlir.importer.checks import check_exported, check_tensors
from pattern_mlir.importer.hooks import NamedLocations, ParameterHooks
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.program import NAME_ATTRIBUTE, Program


@dataclass
class ImportedProgram(Program):
    """A program from PyTorch, which knows how its caller passes inputs and takes outputs.

    Attributes:
        output_spec: the pytree structure of the model's outputs.
    """

    output_spec: Any = None


def import_program(program: ExportedProgram | str | os.PathLike[str]) -> ImportedProgram:
    """Import an exported program or a `.pt2` file.

    Batch norms behind convolutions are folded into these; weights become `pattern.parameter`
    operations, their arrays views of PyTorch's memory. The given program stays as it is.

    Raises:
        ImportFailure: the file is no exported program, or the model cannot be compiled: it is in
            training mode, has symbolic or data-dependent shapes, changes its buffers, or holds
            weights that are not finite or of an unsupported type.
    """
    exported = program if isinstance(program, ExportedProgram) else load_exported(program)
    check_exported(exported)
    # Makes in-place operations functional and drops dropouts; convolutions stay whole.
    exported = exported.run_decompositions({})
    tensors = dict(exported.constants)
    tensors.update(exported.state_dict)
    check_tensors(exported, tensors)
    fold_batch_norms(exported, tensors)

    parameters = ParameterStore()
    context = create_context()
    importer = FxImporter(context=context, hooks=ParameterHooks(tensors, parameters))
    importer._cc = NamedLocations(context, py_attr_tracker=importer._py_attr_tracker)
    try:
        function = importer.import_program(exported, func_name="forward")
    except (NotImplementedError, TypeError, ValueError, KeyError) as error:
        raise ImportFailure(f"torch-mlir cannot import the model: {error}") from error
    _name_arguments(function, exported)
    return ImportedProgram(importer.module, parameters, exported.call_spec.out_spec)


def load_exported(path: str | os.PathLike[str]) -> ExportedProgram:
    """Load a `.pt2` file with `torch.export.load`.

    Opening a `.pt2` of unknown origin is not safe: PyTorch unpickles parts of it without
    restriction (`torch.load(..., weights_only=False)`), so the file can run any code. Open only
    files that you trust; a `.mlir` with its `.safetensors` runs nothing.

    Raises:
        ImportFailure: there is no such file, or it is no exported program.
    """
    file = Path(path)
    remedy = "write one with torch.export.save(torch.export.export(model.eval(), inputs), path)"
    if not file.is_file():
        raise ImportFailure(f"there is no file '{file}'")
    if not zipfile.is_zipfile(file):
        raise ImportFailure(f"'{file}' is no .pt2 file or is damaged; {remedy}")
    try:
        return torch.export.load(file)
    except Exception as error:
        # torch raises errors of many kinds here, down to AssertionError.
        reason = str(error).strip().splitlines()
        raise ImportFailure(
            f"'{file}' cannot be loaded as an exported program"
            f" ({reason[0] if reason else type(error).__name__}); {remedy}"
        ) from error


def _name_arguments(function: Any, exported: ExportedProgram) -> None:
    with function.context:
        signature = exported.graph_signature
        inputs = [s.arg.name for s in signature.input_specs if s.kind == InputKind.USER_INPUT]
        function.attributes["arg_attrs"] = _names(inputs)
        function.attributes["res_attrs"] = _names(
            _output_names(exported, len(function.type.results))
        )


def _names(names: Sequence[str]) -> Any:
    return ir.ArrayAttr.get(
        [ir.DictAttr.get({NAME_ATTRIBUTE: ir.StringAttr.get(name)}) for name in names]
    )


def _output_names(exported: ExportedProgram, count: int) -> list[str]:
    """Return `logits` for an output {"logits": …}, `output0`, `output1`, … for a tuple's."""
    spec = exported.call_spec.out_spec
    if spec is None or spec.num_leaves != count:
        return [f"output{index}" for index in range(count)]
    tree = torch.utils._pytree.tree_unflatten(list(range(count)), spec)
    paths, _ = torch.utils._pytree.tree_flatten_with_path(tree)
    names = []
    for index, (path, _) in enumerate(paths):
        keys = [str(getattr(key, "key", getattr(key, "idx", key))) for key in path]
        name = ".".join(keys)
        names.append(f"output{index}" if name.replace(".", "").isdigit() or not name else name)
    return names
