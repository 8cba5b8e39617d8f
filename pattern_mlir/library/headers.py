"""The C header of a library and its C++ wrapper, from the templates beside this file."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from importlib import resources

from pattern_mlir import __version__
from pattern_mlir.errors import LibraryError
from pattern_mlir.library.description import batch_of, tensor_bytes
from pattern_mlir.package import Contents
from pattern_mlir.runtime.plan import LayerPlan, PlannedLayer, TensorSpec

DTYPES = (
    *("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"),
    *("uint16", "uint32", "uint64", "complex64", "complex128"),
)
"""The element types by numpy's names; their place is their number in C."""


def headers(contents: Contents, name: str, weights_inside: bool) -> tuple[str, str, int]:
    """Return the text of ``name``.h and ``name``.hpp, and the signature of the first."""
    fields = _fields(contents, name, weights_inside)
    unsigned = _filled("model.h", fields)
    signature = zlib.crc32(unsigned.encode())
    signed = {**fields, "signature": f"0x{signature:08X}"}
    return _filled("model.h", signed), _filled("model.hpp", signed), signature


def _filled(template: str, fields: dict[str, str]) -> str:
    text = (resources.files("pattern_mlir.library") / "templates" / template).read_text()
    return re.sub(r"@(\w+)@", lambda match: fields.get(match[1], match[0]), text)


def layer_plan(contents: Contents) -> LayerPlan:
    """Return the plan of ``contents``; raise LibraryError if that is of a GPU."""
    if isinstance(contents.plan, LayerPlan):
        return contents.plan
    raise LibraryError(
        "no library can be made of kernels for a GPU; compile the network for a processor"
    )


def _fields(contents: Contents, name: str, weights_inside: bool) -> dict[str, str]:
    plan, prefix = layer_plan(contents), name.upper()
    batch = batch_of(plan)
    tensors = (*plan.inputs, *plan.outputs)
    return {
        "name": name,
        "NAME": prefix,
        "version": __version__,
        "triple": contents.triple,
        "cpu": contents.cpu,
        "batch": str(batch),
        "multiples": f"multiples of {batch}" if plan.separable else f"{batch} exactly",
        "threads": str(contents.threads),
        "arena_bytes": str(plan.arena_bytes),
        "weight_bytes": str(contents.weights.nbytes),
        "weights_place": "inside the library" if weights_inside else f"in the file {name}.weights",
        "max_rank": str(max([1, *(len(spec.shape) for spec in tensors)])),
        "input_count": str(len(plan.inputs)),
        "output_count": str(len(plan.outputs)),
        "layer_count": str(len(plan.layers)),
        "tensor_macros": "".join(
            _macros(prefix, kind, specs)
            for kind, specs in (("INPUT", plan.inputs), ("OUTPUT", plan.outputs))
        ),
        "dtypes": ",\n".join(
            f"  {prefix}_{dtype.upper()} = {number}" for number, dtype in enumerate(DTYPES)
        ),
        "inputs": _tensors(prefix, plan.inputs),
        "outputs": _tensors(prefix, plan.outputs),
        "layers": _entries([*map(_layer, plan.layers), "{NULL, NULL, 0, 0}"]),
    }


def _macros(prefix: str, kind: str, specs: Sequence[TensorSpec]) -> str:
    """Return macros with the sizes of inputs or outputs."""
    lines = []
    for index, spec in enumerate(specs):
        shape = "".join(f"[{size}]" for size in spec.shape)
        size, count = tensor_bytes(spec), tensor_bytes(spec) // spec.dtype.itemsize
        lines += [
            f"/** {kind.capitalize()} {index}, {_quoted(spec.name)}: {spec.dtype.name}{shape}. */",
            f"#define {prefix}_{kind}_{index}_ELEMENTS {count}",
            f"#define {prefix}_{kind}_{index}_BYTES {size}",
        ]
    return "".join(f"{line}\n" for line in lines)


def _tensors(prefix: str, specs: Sequence[TensorSpec]) -> str:
    """Return an array's initialisers, with one without a name at the end."""
    entries = []
    for spec in specs:
        dtype = f"{prefix}_{spec.dtype.name.upper()}"
        shape = ", ".join(map(str, spec.shape)) or "0"
        name, size = _quoted(spec.name), tensor_bytes(spec)
        entries.append(f"{{{name}, {dtype}, {len(spec.shape)}, {{{shape}}}, {size}}}")
    return _entries([*entries, f"{{NULL, {prefix}_FLOAT32, 0, {{0}}, 0}}"])


def _layer(layer: PlannedLayer) -> str:
    texts = f"{_quoted(layer.place)}, {_quoted(layer.kernel)}"
    return f"{{{texts}, {layer.multiplications}, {layer.cycles}}}"


def _entries(entries: Sequence[str]) -> str:
    return ",\n".join(f"    {entry}" for entry in entries)


def _quoted(text: str) -> str:
    """Return ``text`` as a literal of C, which may stand in a comment; escaped but for ASCII."""
    plain = set(range(32, 127)) - set(b'"\\?*')
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text.encode()) + '"'
