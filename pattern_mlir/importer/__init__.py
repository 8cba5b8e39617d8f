"""From `torch.export` to a module at the torch level, with its parameters beside it."""

from __future__ import annotations

import logging
import os
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind
from torch_mlir import ir
from torch_mlir.extras.fx_importer import FxImporter

from pattern_mlir.dialects import create_context
from pattern_mlir.errors import ImportFailure, PruningRecordWarning
from pattern_mlir.importer.batch_norm import fold_batch_norms
from pattern_mlir.importer.checks import check_exported, check_functional, check_tensors
from pattern_mlir.importer.decompositions import DECOMPOSITIONS
from pattern_mlir.importer.hooks import NamedLocations, ParameterHooks
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.program import NAME_ATTRIBUTE, UNSIGNED_ATTRIBUTE, Program
from pattern_mlir.pruning.record import disagreements


@dataclass
class ImportedProgram(Program):
    """A program from PyTorch, which knows how its caller passes inputs and takes outputs.

    Attributes:
        input_spec: the pytree structure of the model's inputs, by position and by name.
        output_spec: the pytree structure of its outputs.
    """

    input_spec: Any = None
    output_spec: Any = None


def import_program(program: ExportedProgram | str | os.PathLike[str]) -> ImportedProgram:
    """Import an exported program or a `.pt2` file.

    Batch norms behind convolutions are folded into these; weights become `pattern.parameter`
    operations, their arrays views of PyTorch's memory. The given program stays as it is. Where its
    weights are not what the pruner's record in it says, there is a `PruningRecordWarning`: what
    counts is the weights.

    Raises:
        ImportFailure: the file is no exported program, or the model cannot be compiled: it is in
            training mode, has symbolic or data-dependent shapes, changes its buffers, or holds
            weights that are not finite or of an unsupported type.
    """
    exported = program if isinstance(program, ExportedProgram) else load_exported(program)
    check_exported(exported)
    for line in disagreements(exported):
        warnings.warn(line, PruningRecordWarning, stacklevel=2)
    exported = _decomposed(exported)
    check_functional(exported)
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
        raise ImportFailure(f"torch-mlir cannot import the model: {_reason(error)}") from error
    _name_arguments(function, exported)
    calls = exported.call_spec
    return ImportedProgram(importer.module, parameters, calls.in_spec, calls.out_spec)


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
    with _silence() as logged:
        try:
            return torch.export.load(file)
        except Exception as error:
            # torch raises errors of many kinds here, and some that only say: see the log.
            raise ImportFailure(
                f"'{file}' cannot be loaded as an exported program"
                f" ({_reason(logged[-1] if logged else error)}); {remedy}"
            ) from error


def _decomposed(exported: ExportedProgram) -> ExportedProgram:
    """Return the program with in-place operations functional and without dropouts."""
    with _silence():
        try:
            decomposed: ExportedProgram = exported.run_decompositions(dict(DECOMPOSITIONS))
        except Exception as error:
            raise ImportFailure(
                f"PyTorch cannot decompose the model ({type(error).__name__}: {_reason(error)})"
            ) from error
    return decomposed


def _reason(error: BaseException) -> str:
    """Return the first sentence of what ``error``, or what it comes from, says."""
    cause = error.__cause__ or error.__context__
    if cause is not None:
        return _reason(cause)
    sentence = str(error).strip().partition("\n")[0].partition(". ")[0].strip()
    return sentence or type(error).__name__


class _ErrorLog(logging.Handler):
    """Keeps the exceptions that are logged."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the exception of ``record``."""
        if record.exc_info and record.exc_info[1]:
            self.errors.append(record.exc_info[1])


@contextmanager
def _silence() -> Iterator[list[BaseException]]:
    """Keep PyTorch's warnings from the caller, who cannot heed them; yield what errors it logs."""
    logger, log = logging.getLogger("torch.export"), _ErrorLog()
    handlers, logger.handlers = logger.handlers, [log]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield log.errors
    finally:
        logger.handlers = handlers


def _name_arguments(function: Any, exported: ExportedProgram) -> None:
    with function.context:
        signature = exported.graph_signature
        values = {node.name: node.meta.get("val") for node in exported.graph.nodes}
        inputs = [s.arg.name for s in signature.input_specs if s.kind == InputKind.USER_INPUT]
        outputs = [s.arg.name for s in signature.output_specs if s.kind == OutputKind.USER_OUTPUT]
        function.attributes["arg_attrs"] = _attributes(inputs, [values[n] for n in inputs])
        function.attributes["res_attrs"] = _attributes(
            _output_names(exported, len(outputs)), [values[name] for name in outputs]
        )


def _attributes(names: Sequence[str], tensors: Sequence[torch.Tensor]) -> Any:
    """Return the attributes of arguments or results, which say what their types do not."""
    attributes = []
    for name, tensor in zip(names, tensors, strict=True):
        own = {NAME_ATTRIBUTE: ir.StringAttr.get(name)}
        if tensor.dtype == torch.uint8:
            own[UNSIGNED_ATTRIBUTE] = ir.UnitAttr.get()
        attributes.append(ir.DictAttr.get(own))
    return ir.ArrayAttr.get(attributes)


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
        name = f"output{index}" if name.replace(".", "").isdigit() or not name else name
        while name in names:  # keys with dots may be spelt as nested ones
            name += "_"
        names.append(name)
    return names
