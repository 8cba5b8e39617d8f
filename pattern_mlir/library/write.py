"""Writes libraries, and the program that times one: whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Literal

from pattern_mlir.errors import LibraryError
from pattern_mlir.library import elf
from pattern_mlir.library.description import (
    FUNCTION_NAMES,
    WEIGHTS,
    Description,
    description_module,
)
from pattern_mlir.library.features import feature_checks
from pattern_mlir.library.headers import headers, layer_plan
from pattern_mlir.library.linking import System, compiled, link_program, link_shared, system
from pattern_mlir.library.runtime_ir import runtime_ir
from pattern_mlir.package import Contents
from pattern_mlir.parameters import ALIGNMENT, atomic_file

WeightsPlace = Literal["inside", "file"]
"""Where a library has its weights: within itself, or in a file beside it."""

INSIDE_LIMIT = 1 << 30
"""Bytes of weights inside a library; code reaches data so far away."""

BENCH_NAME = "model"
"""The name of the library that runtime/bench/pattern_bench.c is compiled with."""

_WORDS = """
auto bool break case char class const continue default delete do double else enum extern false float
for goto if inline int long main namespace new operator private public register restrict return
short signed sizeof static std struct switch template this throw true try typedef union unsigned
using virtual void volatile while
"""
RESERVED = frozenset(_WORDS.split())
"""Words of C and C++ that name no library."""


def write_library(
    contents: Contents,
    folder: str | os.PathLike[str],
    name: str = "model",
    weights: WeightsPlace = "inside",
) -> None:
    """Write a library of ``contents`` to ``folder``, whole or not at all.

    The folder has lib``name``.so, lib``name``.a, ``name``.h, ``name``.hpp, and ``name``.weights
    where ``weights`` is ``file``. The same contents give the same bytes.

    Args:
        contents: a compiled network.
        folder: is made; one that an earlier call made is replaced.
        name: prefix of the library's symbols.
        weights: whether they are inside the library or in a file to map.

    Raises:
        LibraryError: the name is none, there is no linker, the folder holds something else, or no
            library can be made for the network's target.
        OSError: the folder cannot be written.
    """
    check_name(name)
    inside = weights == "inside"
    own = _system(contents)
    objects, texts = _built(contents, own, name, inside)
    files = {f"lib{name}.a": elf.archive(objects), **texts}
    if not inside:
        files[f"{name}.weights"] = contents.weights.tobytes()
    exported = [f"{name}_{function}" for function in FUNCTION_NAMES]
    with tempfile.TemporaryDirectory() as scratch:
        files[f"lib{name}.so"] = link_shared(own, name, objects, exported, Path(scratch))
    with atomic_folder(Path(folder), set(files) | {f"{name}.weights"}) as temporary:
        for file, data in files.items():
            (temporary / file).write_bytes(data)


def write_bench(contents: Contents, path: str | os.PathLike[str]) -> None:
    """Write `pattern-bench` with ``contents`` inside, a static program that times them.

    Raises:
        LibraryError: there is no C compiler for the target, or no library can be made for it.
        OSError: the file cannot be written.
    """
    own = _system(contents)
    objects, texts = _built(contents, own, BENCH_NAME, inside=True)
    source = resources.files("pattern_mlir.runtime") / "bench" / "pattern_bench.c"
    library = f"lib{BENCH_NAME}.a"
    files = {**texts, library: elf.archive(objects), "pattern_bench.c": source.read_bytes()}
    with tempfile.TemporaryDirectory() as scratch:
        program = link_program(own, files, "pattern_bench.c", library, Path(scratch))
    with atomic_file(Path(path)) as temporary:
        temporary.write_bytes(program)
    os.chmod(path, os.stat(path).st_mode | 0o111)


def check_name(name: str) -> None:
    """Raise LibraryError unless ``name`` can begin the names of C."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or name in RESERVED:
        raise LibraryError(
            f"'{name}' cannot be the name of a library: it begins functions of C;"
            " use letters, digits and _, such as resnet18"
        )


def _system(contents: Contents) -> System:
    """Return what ``contents`` run on; raise LibraryError if no library can be made for it."""
    layer_plan(contents)
    return system(contents.triple)


def _built(
    contents: Contents, own: System, name: str, inside: bool
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the object files and the headers of a library by name."""
    if inside and contents.weights.nbytes > INSIDE_LIMIT:
        raise LibraryError(
            f"{contents.weights.nbytes} bytes of weights are too many to be inside a library;"
            " pass weights='file' (--weights=file)"
        )
    header, wrapper, signature = headers(contents, name, inside)
    texts = {f"{name}.h": header.encode(), f"{name}.hpp": wrapper.encode()}
    return _objects(contents, own, name, signature, inside), texts


def _objects(
    contents: Contents, own: System, name: str, signature: int, inside: bool
) -> dict[str, bytes]:
    """Return the object files of a library by name."""
    weights = contents.weights
    description = Description(
        name=name,
        plan=layer_plan(contents),
        threads=contents.threads,
        signature=signature,
        features=feature_checks(own.architecture, contents.features),
        cpu=contents.cpu,
        weight_bytes=weights.nbytes,
        checksum=None if inside else zlib.crc32(weights.data),
    )
    prefix = f"{name}_"
    objects = {
        "model.o": compiled(str(description_module(description)), own),
        "layers.o": elf.hidden(contents.code, prefix),
        # A program may link several models, or a runtime that its maker compiled.
        "runtime.o": compiled(runtime_ir(own.architecture), own, weak=True),
    }
    if inside:
        objects["weights.o"] = elf.data_object(
            own.architecture, prefix + WEIGHTS, weights.tobytes(), ALIGNMENT
        )
    return objects


@contextlib.contextmanager
def atomic_folder(folder: Path, own: set[str]) -> Iterator[Path]:
    """Yield a temporary folder that takes the place of ``folder`` on success only.

    Raises:
        LibraryError: ``folder`` holds something else than files named in ``own``.
    """
    target = Path(os.path.realpath(folder))
    if target.exists():
        foreign = [] if not target.is_dir() else sorted(set(os.listdir(target)) - own)
        if foreign or not target.is_dir():
            raise LibraryError(
                f"'{folder}' is no folder of this library ({', '.join(foreign) or 'a file'});"
                " choose a new folder"
            )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as scratch:
        temporary, former = Path(scratch) / "new", Path(scratch) / "former"
        temporary.mkdir()
        yield temporary
        if target.exists():
            target.rename(former)
        try:
            temporary.rename(target)
        except OSError:
            if former.exists():
                former.rename(target)
            raise
        shutil.rmtree(former, ignore_errors=True)
