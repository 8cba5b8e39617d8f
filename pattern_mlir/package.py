"""The package: a compiled network as one file, checked before anything of it is used.

An uncompressed zip whose members start at multiples of 64 bytes, so that weights are used where
the file is mapped. See docs/package.md.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pattern_mlir import __version__
from pattern_mlir.errors import PackageError
from pattern_mlir.parameters import ALIGNMENT, atomic_file
from pattern_mlir.report import LayerReport, Report
from pattern_mlir.runtime.library import ABI_VERSION
from pattern_mlir.runtime.plan import LayerPlan, PlannedLayer, TensorSpec
from pattern_mlir.structure import Structure

FORMAT_VERSION = 1
MANIFEST, WEIGHTS, CODE, REPORT = "manifest.json", "weights", "code.o", "report.json"
MEMBERS = (MANIFEST, WEIGHTS, CODE, REPORT)
"""The members, in their order."""

PADDING_FIELD = 0xD935
"""The extra field of a member that moves its data to a multiple of `ALIGNMENT`."""

LOCAL_HEADER = 30
"""Bytes of a member's header in the file, before its name and extra field."""


@dataclass(frozen=True)
class Contents:
    """What a compiled network consists of.

    Attributes:
        code: an object file with the layer functions.
        weights: the packed weights.
        plan: layers and buffers.
        threads: how many threads the layers are split for.
        triple, features: the machine and the processor features that the code needs.
        structure: how the outputs are nested.
        report: what was done to each layer.
    """

    code: bytes
    weights: npt.NDArray[np.uint8]
    plan: LayerPlan
    threads: int
    triple: str
    features: tuple[str, ...]
    structure: Structure
    report: Report


def write(path: str | os.PathLike[str], contents: Contents) -> None:
    """Write a package to ``path``, whole or not at all; the same contents give the same bytes."""
    report = json.dumps(asdict(contents.report), sort_keys=True).encode()
    members: dict[str, Any] = {
        WEIGHTS: contents.weights.data,
        CODE: contents.code,
        REPORT: report,
    }
    manifest = json.dumps(_manifest(contents, members), indent=1, sort_keys=True).encode()
    with (
        atomic_file(Path(path)) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
    ):
        for name, data in {MANIFEST: manifest, **members}.items():
            archive.writestr(_aligned_member(name, archive.fp.tell()), data)  # type: ignore[union-attr]
        archive.comment = hashlib.sha256(manifest).hexdigest().encode()


def _manifest(contents: Contents, members: Mapping[str, Any]) -> dict[str, Any]:
    plan = asdict(contents.plan)
    for specs in (plan["inputs"], plan["outputs"]):
        for spec in specs:
            spec["dtype"] = np.dtype(spec["dtype"]).name
    return {
        "format": FORMAT_VERSION,
        "abi": ABI_VERSION,
        "producer": f"pattern_mlir {__version__}",
        "triple": contents.triple,
        "features": list(contents.features),
        "threads": contents.threads,
        "plan": plan,
        "structure": contents.structure,
        "members": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in members.items()
        },
    }


def _aligned_member(name: str, position: int) -> zipfile.ZipInfo:
    """Return a member whose header stands at ``position`` and whose data is aligned."""
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    start = position + LOCAL_HEADER + len(name) + 4
    padding = -start % ALIGNMENT
    field = PADDING_FIELD.to_bytes(2, "little") + padding.to_bytes(2, "little")
    info.extra = field + bytes(padding)
    return info


def read(path: str | os.PathLike[str]) -> Contents:
    """Read a package; the weights stay in the mapped file.

    Every member is compared with its checksum before any of it is used.

    Raises:
        PackageError: there is no such file; it is no package, or of another version; it was
            altered or truncated; or its code needs another processor.
    """
    try:
        with open(path, "rb") as file:
            memory = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            archive = zipfile.ZipFile(file)
            names = [info.filename for info in archive.infolist()]
            comment, manifest = archive.comment, archive.read(MANIFEST)
            places = {info.filename: info for info in archive.infolist()}
    except OSError as error:
        raise PackageError(f"cannot read '{path}': {error.strerror or error}") from None
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, RuntimeError) as error:
        raise PackageError(
            f"'{path}' is no package, or is damaged ({error}); write it again"
        ) from None
    if hashlib.sha256(manifest).hexdigest().encode() != comment or names != list(MEMBERS):
        raise PackageError(f"'{path}': {MANIFEST} was altered; write the package again")
    return _contents(str(path), json.loads(manifest), memory, places)


def _contents(
    path: str, manifest: Any, memory: memoryview, places: Mapping[str, zipfile.ZipInfo]
) -> Contents:
    for key, own in (("format", FORMAT_VERSION), ("abi", ABI_VERSION)):
        if manifest[key] != own:
            raise PackageError(
                f"'{path}' has {key} version {manifest[key]} (by {manifest['producer']}), this"
                f" version of pattern_mlir reads {own}; compile the model again"
            )
    _check_processor(path, manifest)
    members = {
        name: _member(path, name, manifest["members"][name], memory, places[name])
        for name in MEMBERS[1:]
    }
    report = json.loads(bytes(members[REPORT]))
    layers = tuple(LayerReport(**layer) for layer in report.pop("layers"))
    plan = manifest["plan"]
    return Contents(
        code=bytes(members[CODE]),
        weights=np.frombuffer(members[WEIGHTS], np.uint8),
        plan=LayerPlan(
            layers=tuple(map(_layer, plan.pop("layers"))),
            inputs=_specs(plan.pop("inputs")),
            outputs=_specs(plan.pop("outputs")),
            **plan,
        ),
        threads=manifest["threads"],
        triple=manifest["triple"],
        features=tuple(manifest["features"]),
        structure=manifest["structure"],
        report=Report(
            layers=layers,
            fallbacks=tuple(report.pop("fallbacks")),
            plain=tuple(report.pop("plain")),
            **report,
        ),
    )


def _layer(fields: dict[str, Any]) -> PlannedLayer:
    boundaries = fields.pop("boundaries")
    return PlannedLayer(boundaries=None if boundaries is None else tuple(boundaries), **fields)


def _specs(specs: Sequence[dict[str, Any]]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(spec["name"], tuple(spec["shape"]), np.dtype(spec["dtype"])) for spec in specs
    )


def _check_processor(path: str, manifest: Any) -> None:
    """Raise PackageError unless this processor has what the code needs."""
    import llvmlite.binding as llvm

    triple, features = llvm.get_process_triple(), llvm.get_host_cpu_features()
    if manifest["triple"] != triple:
        raise PackageError(
            f"'{path}' is for {manifest['triple']}, this machine is {triple};"
            " compile the model for it"
        )
    missing = [name for name in manifest["features"] if not features.get(name)]
    if missing:
        raise PackageError(
            f"'{path}' needs a processor with {', '.join(missing)}; compile the model on this one"
        )


def _member(
    path: str, name: str, expected: Any, memory: memoryview, info: zipfile.ZipInfo
) -> memoryview:
    """Return the data of a member, in the mapped file, after comparing its checksum."""
    header = info.header_offset
    lengths = memory[header + 26 : header + LOCAL_HEADER]
    start = header + LOCAL_HEADER + sum(np.frombuffer(lengths, "<u2").tolist())
    data = memory[start : start + expected["bytes"]]
    if start % ALIGNMENT or hashlib.sha256(data).hexdigest() != expected["sha256"]:
        raise PackageError(f"'{path}': {name} was altered or truncated; write the package again")
    return data
