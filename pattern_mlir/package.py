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
from pattern_mlir.layouts import LaneLayout
from pattern_mlir.parameters import ALIGNMENT, atomic_file
from pattern_mlir.report import Report
from pattern_mlir.runtime.library import ABI_VERSION
from pattern_mlir.runtime.plan import LayerPlan, PlannedLayer, ResultPlace, TensorSpec
from pattern_mlir.structure import Structure

FORMAT_VERSION = 3
MANIFEST, WEIGHTS, CODE, REPORT = "manifest.json", "weights", "code.o", "report.json"
MEMBERS = (MANIFEST, WEIGHTS, CODE, REPORT)
"""The members, in their order."""

PADDING_FIELD = 0xD935
"""The extra field of a member that moves its data to a multiple of `ALIGNMENT`."""

LOCAL_HEADER = 30
"""Bytes of a member's header in the file, before its name and extra field."""

PADDING_FIELD_HEADER = 4
"""Bytes of the extra field before its padding."""

END_RECORD = 22
"""Bytes of the record at the end of a zip file, before its comment."""

DIGEST = 64
"""Bytes of the comment: the SHA-256 of the manifest in hexadecimal."""

MEMBER_LIMIT = 2_000_000_000
"""Bytes of the largest member: headers of larger ones have another form."""


@dataclass(frozen=True)
class Contents:
    """What a compiled network consists of.

    Attributes:
        code: an object file with the layer functions.
        weights: the packed weights.
        plan: layers and buffers.
        threads: how many threads the layers are split for.
        triple, cpu: the machine and the processor that the code was compiled for.
        features: the processor features that the code needs.
        structure: how the outputs are nested.
        report: what was done to each layer.
    """

    code: bytes
    weights: npt.NDArray[np.uint8]
    plan: LayerPlan
    threads: int
    triple: str
    cpu: str
    features: tuple[str, ...]
    structure: Structure
    report: Report


def write(path: str | os.PathLike[str], contents: Contents) -> None:
    """Write a package to ``path``, whole or not at all; the same contents give the same bytes.

    Raises:
        PackageError: there are too many weights for this format.
        OSError: the file cannot be written.
    """
    report = json.dumps(asdict(contents.report), sort_keys=True).encode()
    members: dict[str, Any] = {
        WEIGHTS: contents.weights.data,
        CODE: contents.code,
        REPORT: report,
    }
    for name, data in members.items():
        if len(data) > MEMBER_LIMIT:
            raise PackageError(
                f"{name} of {len(data)} bytes are too many for a package, which holds"
                f" {MEMBER_LIMIT}; save the model in parts"
            )
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
        "cpu": contents.cpu,
        "features": list(contents.features),
        "threads": contents.threads,
        "plan": plan,
        "structure": contents.structure,
        "members": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in members.items()
        },
    }


def _aligned_member(name: str, header: int) -> zipfile.ZipInfo:
    """Return a member whose header stands at ``header`` and whose data is aligned."""
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    padding = _data_start(header, name) - _padding_start(header, name)
    field = PADDING_FIELD.to_bytes(2, "little") + padding.to_bytes(2, "little")
    info.extra = field + bytes(padding)
    return info


def _data_start(header: int, name: str) -> int:
    """Return where the data of the member whose header stands at ``header`` starts."""
    start = _padding_start(header, name)
    return start + -start % ALIGNMENT


def _padding_start(header: int, name: str) -> int:
    return header + LOCAL_HEADER + len(name) + PADDING_FIELD_HEADER


def read(path: str | os.PathLike[str]) -> Contents:
    """Read a package; the weights stay in the mapped file.

    Every member is compared with its checksum before any of it is used.

    Raises:
        PackageError: there is no such file; it is no package, or of another version; it was
            altered or truncated; or its code needs another processor.
    """
    try:
        with open(path, "rb") as file:
            memory = _mapped(file.fileno())
    except OSError as error:
        raise PackageError(f"cannot read '{path}': {error.strerror or error}") from None
    data = _manifest_data(str(path), memory)
    manifest = json.loads(data)
    if manifest["format"] != FORMAT_VERSION:
        raise _other_version(str(path), "format", manifest, FORMAT_VERSION)
    members, header = {}, _data_start(0, MANIFEST) + len(data)
    for name in MEMBERS[1:]:
        start = _data_start(header, name)
        header = start + manifest["members"][name]["bytes"]
        members[name] = memory[start:header]
    return _contents(str(path), manifest, members)


def _mapped(descriptor: int) -> memoryview:
    """Return an open file as it lies in memory; empty where it is."""
    if os.fstat(descriptor).st_size == 0:
        return memoryview(b"")
    return memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ))


def _manifest_data(path: str, memory: memoryview) -> bytes:
    """Return the manifest after comparing it with its checksum, the last bytes of the file.

    Its place is the same in every version of the format. Python's reader of zip files is not
    asked: it trusts what was altered, and raises errors of many kinds.
    """
    start = _data_start(0, MANIFEST)
    name = bytes(memory[LOCAL_HEADER : LOCAL_HEADER + len(MANIFEST)])
    if bytes(memory[:4]) != b"PK\3\4" or name != MANIFEST.encode():
        raise PackageError(f"'{path}' is no package; write one with CompiledModel.save")
    if bytes(memory[-END_RECORD - DIGEST :][:4]) != b"PK\5\6":
        raise PackageError(f"'{path}' was truncated: its end is missing; write the package again")
    data = bytes(memory[start : start + int.from_bytes(memory[18:22], "little")])
    if hashlib.sha256(data).hexdigest().encode() != memory[-DIGEST:]:
        raise _altered(path, MANIFEST)
    return data


def _altered(path: str, member: str) -> PackageError:
    return PackageError(f"'{path}': {member} was altered or truncated; write the package again")


def _other_version(path: str, kind: str, manifest: Any, own: int) -> PackageError:
    return PackageError(
        f"'{path}' has {kind} version {manifest[kind]} (by {manifest['producer']}), this version of"
        f" pattern_mlir reads {own}; compile the model again"
    )


def _contents(path: str, manifest: Any, members: Mapping[str, memoryview]) -> Contents:
    """Return what ``members`` hold, after comparing each with its checksum."""
    if manifest["abi"] != ABI_VERSION:
        raise _other_version(path, "abi", manifest, ABI_VERSION)
    _check_processor(path, manifest)
    for name, data in members.items():
        if hashlib.sha256(data).hexdigest() != manifest["members"][name]["sha256"]:
            raise _altered(path, name)
    report = json.loads(bytes(members[REPORT]))
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
        cpu=manifest["cpu"],
        features=tuple(manifest["features"]),
        structure=manifest["structure"],
        report=Report.from_json(report),
    )


def _layer(fields: dict[str, Any]) -> PlannedLayer:
    boundaries, result = fields.pop("boundaries"), fields.pop("result")
    return PlannedLayer(
        boundaries=None if boundaries is None else tuple(boundaries),
        result=None if result is None else _result(result),
        **fields,
    )


def _result(fields: dict[str, Any]) -> ResultPlace:
    shape, layout = fields.pop("shape"), fields.pop("layout")
    if layout is not None:
        grid, block, halo = (tuple(layout.pop(key)) for key in ("grid", "block", "halo"))
        layout = LaneLayout(grid, block, halo, **layout)
    return ResultPlace(shape=tuple(shape), layout=layout, **fields)


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
            f"'{path}' is for {manifest['cpu']} and needs a processor with {', '.join(missing)};"
            " compile the model on this one"
        )
