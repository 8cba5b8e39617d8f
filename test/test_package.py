"""A package runs without torch and MLIR, and is refused when anything about it is wrong."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from generate_pages import FOLDER
from torch import nn
from torch_models import Function, exported, values

import pattern_mlir
from pattern_mlir import package
from pattern_mlir.compiled_model import CompiledModel
from pattern_mlir.errors import PackageError, PatternError


@pytest.fixture(scope="module")
def model() -> CompiledModel:
    """Return a compiled network of a convolution and a linear layer."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 256, 5)]
    return pattern_mlir.compile(exported(nn.Sequential(*layers), values(1, 3, 16, 16)), threads=2)


@pytest.fixture(scope="module")
def saved(model: CompiledModel, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the bytes of its package."""
    path = tmp_path_factory.mktemp("package") / "model.pattern"
    model.save(path)
    return path.read_bytes()


@pytest.fixture
def written(tmp_path: Path) -> Callable[[bytes], Path]:
    """Return a function that writes bytes to a file of their own."""

    def write(data: bytes) -> Path:
        path = tmp_path / "model.pattern"
        path.write_bytes(data)
        return path

    return write


X = values(1, 3, 16, 16, seed=1).numpy()


def test_a_package_computes_what_the_model_did(
    model: CompiledModel, saved: bytes, written: Callable[[bytes], Path]
) -> None:
    loaded = pattern_mlir.load(written(saved))
    np.testing.assert_array_equal(loaded(X), model(X))
    assert str(loaded.report()) == str(model.report())
    with pytest.raises(PatternError, match=r"has shape \[1, 3, 8, 8\]"):
        loaded(X[..., :8, :8])
    batch = np.concatenate([X, 2 * X])
    np.testing.assert_array_equal(loaded(batch)[0], model(X)[0])


def test_outputs_stay_nested(tmp_path: Path) -> None:
    function = Function(lambda x: {"sum": x + x, "rest": [(x, x * x), x.relu()]})
    model = pattern_mlir.compile(exported(function, values(1, 3)))
    model.save(tmp_path / "model.pattern")
    x = values(1, 3, seed=2)
    found = pattern_mlir.load(tmp_path / "model.pattern")(x)
    expected = function(x)
    assert torch.equal(found["sum"], expected["sum"])
    assert isinstance(found["rest"], list) and isinstance(found["rest"][0], tuple)
    assert torch.equal(found["rest"][0][1], expected["rest"][0][1])
    assert list(found) == list(model(x)) == ["sum", "rest"]


def test_keys_of_outputs_keep_their_kind_and_order(tmp_path: Path) -> None:
    function = Function(lambda x: {2: x + x, 1: x * x})
    pattern_mlir.compile(exported(function, values(1, 3))).save(tmp_path / "model.pattern")
    x = values(1, 3, seed=3)
    found = pattern_mlir.load(tmp_path / "model.pattern")(x)
    assert list(found) == [2, 1] and torch.equal(found[1], x * x)


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
@pytest.mark.parametrize("chunk", [0, 3])
def test_any_number_of_threads_runs_a_package(
    model: CompiledModel,
    saved: bytes,
    written: Callable[[bytes], Path],
    threads: int,
    chunk: int,
) -> None:
    loaded = pattern_mlir.load(written(saved), chunk, threads=threads)
    assert loaded.threads == threads and loaded.report().threads == 2
    np.testing.assert_array_equal(loaded(X), model(X))


@pytest.mark.parametrize("threads", [0, -1, 257, 10**15])
def test_a_number_of_threads_out_of_range_is_refused(
    saved: bytes, written: Callable[[bytes], Path], threads: int
) -> None:
    with pytest.raises(PatternError, match="threads must be from 1 to 256"):
        pattern_mlir.load(written(saved), threads=threads)


def test_loading_and_running_import_numpy_and_llvmlite_only(
    saved: bytes, written: Callable[[bytes], Path]
) -> None:
    script = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "import numpy, pattern_mlir\n"
        f"model = pattern_mlir.load({str(written(saved))!r})\n"
        "model(numpy.zeros((1, 3, 16, 16), numpy.float32))\n"
        "names = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(names - set(sys.stdlib_module_names)))\n"
        "print(model.report())\n"
        "assert not {'torch', 'torch_mlir'} & set(sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert run.stdout.splitlines()[0] == "llvmlite numpy pattern_mlir"


def test_the_same_model_gives_the_same_bytes(
    model: CompiledModel, saved: bytes, tmp_path: Path
) -> None:
    model.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == saved
    pattern_mlir.load(tmp_path / "again").save(tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == saved


def test_a_package_that_cannot_be_written_leaves_the_old_one(
    model: CompiledModel,
    saved: bytes,
    written: Callable[[bytes], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left")

    path = written(saved)
    monkeypatch.setattr(zipfile.ZipFile, "writestr", fail)
    with pytest.raises(OSError, match="no space left"):
        model.save(path)
    assert path.read_bytes() == saved and list(path.parent.iterdir()) == [path]


def test_weights_that_are_too_many_for_the_format_are_refused(
    model: CompiledModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "MEMBER_LIMIT", 1000)
    with pytest.raises(PackageError, match=r"weights of .* bytes are too many"):
        model.save(tmp_path / "model.pattern")
    assert not list(tmp_path.iterdir())


def test_members_are_plain_aligned_and_used_where_they_lie(
    saved: bytes, written: Callable[[bytes], Path]
) -> None:
    path = written(saved)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == list(package.MEMBERS)
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
        assert archive.testzip() is None
    contents = package.read(path)
    assert contents.weights.ctypes.data % 64 == 0
    assert not contents.weights.flags.writeable and not contents.weights.flags.owndata


def test_every_flipped_byte_of_the_manifest_is_found(
    saved: bytes, written: Callable[[bytes], Path]
) -> None:
    start = saved.index(b"{")
    end = saved.index(b"PK", start)
    assert end - start > 1000
    path = written(saved)
    with path.open("r+b", buffering=0) as file:
        for position in range(start, end):
            replace(file, position, saved[position] ^ 1 << position % 8)
            with pytest.raises(PackageError, match=r"manifest\.json was altered"):
                package.read(path)
            replace(file, position, saved[position])


def test_no_byte_of_the_zips_own_is_trusted(saved: bytes, written: Callable[[bytes], Path]) -> None:
    path = written(saved)
    with zipfile.ZipFile(path) as archive:
        places = list(range(archive.start_dir, len(saved)))
        for info in archive.infolist():
            places += range(info.header_offset, info.header_offset + package.LOCAL_HEADER)
    expected, refused = used(package.read(path)), 0
    with path.open("r+b", buffering=0) as file:
        for position in places:
            for value in {0, 1, 255, saved[position] ^ 128} - {saved[position]}:
                replace(file, position, value)
                try:
                    assert used(package.read(path)) == expected, f"{position=} {value=}"
                except PackageError:
                    refused += 1
            replace(file, position, saved[position])
    assert refused > 0


def used(contents: package.Contents) -> tuple[Any, ...]:
    """Return what a network is run with."""
    return bytes(contents.weights), contents.code, contents.plan, contents.structure


def replace(file: Any, position: int, value: int) -> None:
    """Write one byte of an open file."""
    file.seek(position)
    file.write(bytes([value]))


@pytest.mark.parametrize("name", package.MEMBERS)
def test_what_was_altered_is_named(
    saved: bytes, written: Callable[[bytes], Path], name: str
) -> None:
    with zipfile.ZipFile(written(saved)) as archive:
        data = archive.read(name)
    assert saved.count(data) == 1
    damaged = bytearray(saved)
    damaged[saved.index(data) + len(data) // 2] ^= 1
    with pytest.raises(PackageError, match=f"{re.escape(name)} was altered or truncated"):
        package.read(written(bytes(damaged)))


def test_a_file_cut_anywhere_is_refused(saved: bytes, written: Callable[[bytes], Path]) -> None:
    starts = [i for i in range(len(saved)) if saved[i : i + 2] == b"PK"]
    for length in {0, 1, len(saved) // 2, len(saved) - 1, *starts, *(s + 1 for s in starts)}:
        with pytest.raises(PackageError, match=r"is no package|was truncated"):
            package.read(written(saved[:length]))


def test_a_thousand_mutations_are_refused_or_change_nothing(
    model: CompiledModel, saved: bytes, written: Callable[[bytes], Path]
) -> None:
    expected, unchanged = model(X), 0
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        damaged = bytearray(saved)
        for _ in range(int(rng.integers(1, 4))):
            damaged[int(rng.integers(len(damaged)))] = int(rng.integers(256))
        if seed % 3 == 0:
            position = int(rng.integers(len(damaged)))
            damaged[position:position] = bytes(
                rng.integers(0, 256, int(rng.integers(1, 9)), np.uint8)
            )
        try:
            loaded = pattern_mlir.load(written(bytes(damaged)))
        except PackageError:
            continue
        unchanged += 1
        np.testing.assert_array_equal(loaded(X), expected, err_msg=f"{seed=}")
    # What may change is padding and what only other readers of zip files look at.
    assert unchanged < 200


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "has format version 99"),
        ({"abi": 99}, "has abi version 99"),
        ({"triple": "sparc-sun-solaris"}, "is for sparc-sun-solaris"),
        (
            {"features": ["warp-drive"], "cpu": "enterprise"},
            "is for enterprise and needs a processor with warp-drive",
        ),
    ],
)
def test_another_version_or_machine_is_refused_by_name(
    model: CompiledModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    message: str,
) -> None:
    original = package._manifest
    monkeypatch.setattr(package, "_manifest", lambda *args: {**original(*args), **change})
    model.save(tmp_path / "model.pattern")
    with pytest.raises(PackageError, match=message):
        package.read(tmp_path / "model.pattern")


def test_a_later_format_with_other_members_is_told_from_damage(
    model: CompiledModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "_manifest", lambda *_: {"format": 99, "producer": "the future"})
    monkeypatch.setattr(package, "CODE", "kernels.spv")
    model.save(tmp_path / "model.pattern")
    with pytest.raises(PackageError, match=r"has format version 99 \(by the future\)"):
        package.read(tmp_path / "model.pattern")


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_package_is_refused(data: bytes, written: Callable[[bytes], Path]) -> None:
    with pytest.raises(PackageError, match=r"model\.pattern"):
        package.read(written(data))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(PackageError, match="cannot read"):
            package.read(path)


def test_the_manifest_can_be_read_by_anything_and_every_key_is_documented(
    saved: bytes, written: Callable[[bytes], Path]
) -> None:
    with zipfile.ZipFile(written(saved)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["plan"]["inputs"] == [
        {"dtype": "float32", "name": "input", "shape": [1, 3, 16, 16]}
    ]
    assert [layer["kernel"] for layer in manifest["plan"]["layers"]].count("conv") == 1
    page = (FOLDER / "package.md").read_text()
    keys = {f"plan.{key}" for key in manifest["plan"]} | manifest.keys() - {"plan"}
    assert not [key for key in sorted(keys) if f"`{key}`" not in page]
