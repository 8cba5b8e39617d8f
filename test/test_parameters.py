"""Parameters beside the IR: read when asked for, written whole or not at all, checked."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import safetensors

from pattern_mlir.errors import ParameterError, PatternError
from pattern_mlir.parameters import ALIGNMENT, HUGE_PAGE, ParameterStore, aligned_bytes, atomic_file
from pattern_mlir.program import Program

MODULE = """module attributes {{pattern.parameters = "{name}"}} {{
  func.func @forward() -> tensor<2xf32> {{
    %w = "pattern.parameter"() {{name = "w"}} : () -> tensor<2xf32>
    return %w : tensor<2xf32>
  }}
}}"""


def saved(folder: Path) -> Path:
    """Save a program with one parameter and return the path of its module."""
    path = folder / "model.mlir"
    program = Program.parse(MODULE.format(name="model.safetensors"))
    program.parameters.add("w", np.array([1, 2], np.float32))
    program.save(path)
    return path


def test_a_program_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    path = saved(tmp_path)
    program = Program.load(path)
    assert list(program.parameters) == ["w"]
    np.testing.assert_array_equal(program.parameters["w"], [1, 2])
    assert program.text() == path.read_text()


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
        saved(folder)
    for name in ("model.mlir", "model.safetensors"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_arrays_are_read_when_they_are_first_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "p.safetensors"
    ParameterStore({"a": np.ones(3), "b": np.zeros((2, 2), np.int8)}).save(path)
    store = ParameterStore.open(path)
    assert set(store) == {"a", "b"} and len(store) == 2
    assert store["a"] is store["a"]
    assert store["b"].dtype == np.int8 and store["b"].shape == (2, 2)
    with pytest.raises(KeyError):
        store["c"]


def test_arrays_are_held_not_copied_and_names_are_taken_once() -> None:
    array = np.ones(3)
    store = ParameterStore()
    store.add("a", array)
    assert store["a"] is array
    with pytest.raises(ParameterError, match="'a' is in the store already"):
        store.add("a", array)


@pytest.mark.parametrize("content", [None, b"", b"no safetensors", b"\xff" * 64])
def test_a_missing_or_damaged_file_is_refused_by_name(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "p.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ParameterError, match=r"cannot read parameters from '.*p\.safetensors'"):
        ParameterStore.open(path)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.safetensors"
    ParameterStore({"a": np.arange(100.0)}).save(path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ParameterError, match="cannot read parameters"):
        ParameterStore.open(path)


@pytest.mark.parametrize(
    "name",
    ["../p.safetensors", "/p.safetensors", "folder/p.safetensors", "..", ".", "", r"p\00", r"p\0A"],
)
def test_parameters_in_another_folder_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "model.mlir"
    path.write_text(MODULE.format(name=name))
    with pytest.raises(ParameterError, match="must be a plain file name") as caught:
        Program.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["3 : i32", '["p.safetensors"]', "@p"])
def test_a_name_of_parameters_that_is_no_text_is_refused(tmp_path: Path, value: str) -> None:
    path = tmp_path / "model.mlir"
    path.write_text(MODULE.format(name="p").replace('"p"', value))
    with pytest.raises(ParameterError, match="must be a plain file name"):
        Program.load(path)


def test_a_name_of_parameters_that_is_no_utf_8_is_not_found(tmp_path: Path) -> None:
    path = tmp_path / "model.mlir"
    path.write_text(MODULE.format(name=r"\FF"))
    with pytest.raises(ParameterError, match="cannot read parameters"):
        Program.load(path)


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.mlir"
    path.write_text(MODULE.format(name="p.safetensors"))
    (tmp_path / "p.safetensors").symlink_to("p.safetensors")
    with pytest.raises(ParameterError, match=r"cannot read parameters from '.*p\.safetensors'"):
        Program.load(path)


def test_parameters_behind_a_link_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    stored = saved(tmp_path / "elsewhere").with_suffix(".safetensors")
    path = tmp_path / "model.mlir"
    path.write_text(MODULE.format(name="model.safetensors"))
    path.with_suffix(".safetensors").symlink_to(stored)
    with pytest.raises(ParameterError, match=r"'model\.safetensors', a link to another folder"):
        Program.load(path)


def test_a_folder_that_is_a_link_itself_is_as_good_as_any(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    saved(tmp_path / "models")
    (tmp_path / "link").symlink_to(tmp_path / "models")
    assert list(Program.load(tmp_path / "link" / "model.mlir").parameters) == ["w"]


def test_a_copy_reads_nothing_from_disk_and_has_names_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "p.safetensors"
    ParameterStore({"a": np.ones(3)}).save(path)
    store = ParameterStore.open(path)
    copy = store.copy()
    copy.add("b", np.zeros(2))
    assert list(store) == ["a"] and list(copy) == ["a", "b"]
    assert callable(copy._arrays["a"]), "the array was read"
    np.testing.assert_array_equal(copy["a"], np.ones(3))


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)], ids=str)
def test_arrays_of_any_shape_and_order_come_back(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = np.ones(shape, np.float32, order="F")
    ParameterStore({"a": array}).save(tmp_path / "p.safetensors")
    read = ParameterStore.open(tmp_path / "p.safetensors")["a"]
    assert read.shape == shape and read.dtype == np.float32
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("kind", ["BF16", "F8_E4M3"])
def test_a_parameter_that_numpy_has_no_type_for_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "p.safetensors"
    size = 2 if kind == "BF16" else 1
    tensors = {"w": {"dtype": kind, "shape": [1], "data_offsets": [0, size]}}
    header = json.dumps(tensors).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(size))
    store = ParameterStore.open(path)
    with pytest.raises(ParameterError, match=rf"'w' in '.*' has elements of type {kind}"):
        store["w"]


def test_a_program_may_be_saved_over_the_files_that_it_is_read_from(tmp_path: Path) -> None:
    path = saved(tmp_path)
    text, parameters = path.read_bytes(), path.with_suffix(".safetensors").read_bytes()
    Program.load(path).save(path)
    assert path.read_bytes() == text
    assert path.with_suffix(".safetensors").read_bytes() == parameters
    assert len(list(tmp_path.iterdir())) == 2


def broken_array() -> Program:
    program = Program.parse(MODULE.format(name="model.safetensors"))
    program.parameters.add("w", np.array(["no", "numbers"]))
    return program


def fail(program: Program) -> bytes:
    raise OSError("no bytes")


@pytest.mark.parametrize("broken", ["parameters", "module"])
def test_a_program_that_cannot_be_saved_leaves_both_files_as_they_were(
    tmp_path: Path, broken: str
) -> None:
    path = saved(tmp_path)
    before = {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()}
    with pytest.raises((OSError, safetensors.SafetensorError)):
        if broken == "parameters":
            broken_array().save(path)
        else:
            Program.load(path).save(path, to_bytes=fail)
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == before


@pytest.mark.parametrize("taken", ["model.mlir", "model.safetensors"])
def test_a_folder_where_a_file_should_go_is_found_before_anything_is_written(
    tmp_path: Path, taken: str
) -> None:
    (tmp_path / "old").mkdir()
    program = Program.load(saved(tmp_path / "old"))
    (tmp_path / taken).mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        program.save(tmp_path / "model.mlir")
    assert caught.value.filename == str(tmp_path / taken)
    assert {entry.name for entry in tmp_path.iterdir()} == {"old", taken}


def test_a_folder_that_is_missing_is_named_not_the_temporary_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        ParameterStore({"a": np.ones(3)}).save(tmp_path / "missing" / "p.safetensors")
    assert caught.value.filename == str(tmp_path / "missing" / "p.safetensors")


def test_parameters_and_module_need_names_of_their_own(tmp_path: Path) -> None:
    program = Program.load(saved(tmp_path))
    with pytest.raises(PatternError, match="give the module another suffix"):
        program.save(tmp_path / "other.safetensors")
    assert not (tmp_path / "other.safetensors").exists()


def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail() -> None:
        with atomic_file(path) as temporary:
            temporary.write_text("half of the new")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"
    with atomic_file(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("size", [1, 63, 64, 4096, HUGE_PAGE - 1, HUGE_PAGE, 3 * HUGE_PAGE + 5])
def test_aligned_bytes_are_zeros_that_can_be_written(size: int) -> None:
    block = aligned_bytes(size)
    assert block.nbytes == size
    assert size == 0 or block.ctypes.data % ALIGNMENT == 0  # nothing lies anywhere
    assert not block.any()
    block[:] = 255
    assert block.all()
