"""A library computes what the network does, shows its own functions only, and refuses in words."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import pytest
import torch
from libraries import FOLDER, HOST, LibraryModel, macro, needs, needs_lld
from test_documentation import code_blocks
from torch import nn
from torch_models import Function, exported, values

import pattern_mlir
from pattern_mlir import package
from pattern_mlir.compiled_model import CompiledModel
from pattern_mlir.errors import LibraryError
from pattern_mlir.library import features, linking, write_library
from pattern_mlir.library.linking import symbols
from pattern_mlir.library.write import RESERVED
from pattern_mlir.tools import pattern_opt

ROOT = FOLDER.parent
X = values(2, 3, 16, 16, seed=1).numpy()

pytestmark = [needs_lld, needs("gcc")]


@functools.cache
def contents(target: str = "host", cpu: str | None = None) -> package.Contents:
    """Return a compiled network of convolution, activation by libm, and linear layer."""
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(3, 16, 3, padding=1),
        Function(torch.sin),
        nn.Flatten(),
        nn.Linear(16 * 256, 5),
    ]
    program = exported(nn.Sequential(*layers), values(2, 3, 16, 16))
    return pattern_mlir.compile(program, target, threads=2, cpu=cpu)._contents


@pytest.fixture(scope="module")
def model() -> CompiledModel:
    return CompiledModel(contents())


@pytest.fixture(scope="module", params=["inside", "file"])
def library(
    model: CompiledModel, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> LibraryModel:
    folder = tmp_path_factory.mktemp("library") / "lib"
    return LibraryModel(model, HOST, folder, weights=request.param)


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_a_library_computes_what_the_network_does(
    model: CompiledModel, library: LibraryModel, threads: int
) -> None:
    found, _ = library.run(X, -X, threads=threads)
    for x, y in zip((X, -X), found, strict=True):
        np.testing.assert_array_equal(y, model(x))


def test_a_multiple_of_the_batch_runs_part_by_part(
    model: CompiledModel, library: LibraryModel
) -> None:
    (found,), _ = library.run(np.concatenate([X, 2 * X, 3 * X]), threads=2)
    np.testing.assert_array_equal(found, np.concatenate([model(X), model(2 * X), model(3 * X)]))


def test_another_number_of_images_is_refused(library: LibraryModel) -> None:
    found, done = library.run(X[:1], check=False)
    assert found == [] and "images must be a positive multiple" in done.stderr


def readelf(*words: str | Path) -> str:
    command = ["readelf", "-W", *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("target", ["host", "aarch64-linux-gnu", "aarch64-linux-android"])
def test_a_shared_library_is_as_systems_want_it(target: str, tmp_path: Path) -> None:
    write_library(contents(target), tmp_path / "lib", "net")
    path = tmp_path / "lib" / "libnet.so"
    dynamic = readelf("-d", path)
    suffix = "" if target.endswith("android") else ".6"
    needed = set(re.findall(r"NEEDED.*\[(.*)\]", dynamic))
    assert needed == {f"libc.so{suffix}", f"libm.so{suffix}"}
    assert "SONAME" in dynamic and "TEXTREL" not in dynamic and "BIND_NOW" in dynamic
    segments = readelf("-l", path)
    assert set(re.findall(r"LOAD .* (0x\w+)$", segments, re.MULTILINE)) == {"0x4000"}
    assert re.search(r"GNU_STACK .* RW +0", segments) and " RWE " not in segments
    table = readelf("--dyn-syms", path)
    exported = set(re.findall(r"(?:GLOBAL|WEAK) +DEFAULT +\d+ (\w+)", table))
    functions = ("create", "run", "run_timed", "last_error", "destroy")
    assert exported == {f"net_{name}" for name in functions}


def test_a_library_for_android_calls_what_bionic_has(tmp_path: Path) -> None:
    write_library(contents("aarch64-linux-android"), tmp_path / "lib")
    table = readelf("--dyn-syms", tmp_path / "lib" / "libmodel.so")
    called = dict(re.findall(r"UND (\w+)@(\w+)", table))
    assert {"pthread_create", "sinf"} <= set(called)
    assert set(called) <= {*symbols("c"), *symbols("m")}
    assert set(called.values()) == {"LIBC"}
    assert not re.search(r"UND \w+$", table, re.MULTILINE)


def test_a_static_library_needs_what_the_c_library_has(tmp_path: Path) -> None:
    write_library(contents("aarch64-linux-android"), tmp_path / "lib")
    table = readelf("-s", tmp_path / "lib" / "libmodel.a")
    undefined = set(re.findall(r"UND (\w+)$", table, re.MULTILINE))
    defined = set(re.findall(r"(?:GLOBAL|WEAK) +\w+ +\d+ (\w+)$", table, re.MULTILINE))
    assert undefined - defined <= {*symbols("c"), *symbols("m")}
    assert all(name.startswith(("model_", "pattern_")) for name in defined)


def test_a_function_that_no_c_library_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        linking, "symbols", lambda library: tuple(set(symbols(library)) - {"calloc"})
    )
    with pytest.raises(LibraryError, match=r"needs .*calloc.*, which no C library has"):
        write_library(contents(), tmp_path / "lib")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("weights", ["inside", "file"])
def test_the_same_network_gives_the_same_bytes(tmp_path: Path, weights: Any) -> None:
    own = contents()
    for folder in ("once", "again"):
        write_library(own, tmp_path / folder, weights=weights)
    files = sorted(path.name for path in (tmp_path / "once").iterdir())
    inside = ["libmodel.a", "libmodel.so", "model.h", "model.hpp"]
    assert files == (inside if weights == "inside" else [*inside, "model.weights"])
    for file in files:
        assert (tmp_path / "once" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


@pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None, reason="pip install 'pattern-mlir[link]'"
)
def test_ziglang_links_where_there_is_no_lld(
    model: CompiledModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linking.shutil, "which", lambda _: None)
    assert linking.linker() == [sys.executable, "-m", "ziglang", "ld.lld"]
    (found,), _ = LibraryModel(model, HOST, tmp_path / "lib").run(X)
    np.testing.assert_array_equal(found, model(X))


def test_without_a_linker_the_message_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linking.shutil, "which", lambda _: None)
    monkeypatch.setattr(linking.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(LibraryError, match=r"install lld .* or PyPI's ziglang"):
        write_library(contents(), tmp_path / "lib")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-1], "has another size"),
        (lambda data: data[:77] + bytes([data[77] ^ 1]) + data[78:], "damaged, or of another"),
        (lambda data: b"", "has another size"),
    ],
)
def test_a_damaged_file_of_weights_is_refused(
    model: CompiledModel, tmp_path: Path, damage: Any, message: str
) -> None:
    library = LibraryModel(model, HOST, tmp_path / "lib", weights="file")
    path = tmp_path / "lib" / "model.weights"
    path.write_bytes(damage(path.read_bytes()))
    found, done = library.run(X, check=False)
    assert found == [] and done.returncode == 1 and message in done.stderr


def test_a_header_of_another_build_is_refused(model: CompiledModel, tmp_path: Path) -> None:
    library = LibraryModel(model, HOST, tmp_path / "lib")
    header = tmp_path / "lib" / "model.h"
    header.write_text(header.read_text().replace(macro(header, "MODEL_OPTIONS"), "0x12345678"))
    _, done = library.run(X, check=False)
    assert done.returncode == 1 and "are of different versions" in done.stderr


def test_a_processor_without_a_feature_is_refused_by_its_name(tmp_path: Path) -> None:
    present = llvm.get_host_cpu_features()
    table = {name for group in features._X86_64 for name in group}
    missing = sorted(table - {name for name, has in present.items() if has})[0]
    own = dataclasses.replace(contents(), features=(missing,))
    # The network itself runs here: only the description asks for more.
    library = LibraryModel(CompiledModel(contents()), HOST, tmp_path / "lib")
    write_library(own, tmp_path / "lib")
    _, done = library.run(X, check=False)
    assert done.returncode == 1
    assert f"the processor has no {missing}, which the code for {own.cpu} needs" in done.stderr


def test_every_feature_that_llvm_knows_of_here_is_checked_or_known_to_be_unused() -> None:
    checks = {name for group in (*features._X86_64, *features._AARCH64) for name in group}
    assert not set(llvm.get_host_cpu_features()) - checks - features.UNUSED


def test_a_feature_that_cannot_be_checked_is_refused() -> None:
    with pytest.raises(LibraryError, match=r"how to check a processor for warp is not known"):
        features.feature_checks("x86_64", ["avx2", "warp"])


def test_targets_without_libraries_say_so(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match=r"for arm64-apple-ios.*--emit=obj"):
        write_library(contents("arm64-apple-ios"), tmp_path / "lib")


def test_a_network_for_a_gpu_is_no_library(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="kernels for a GPU; compile the network for a proc"):
        own = pattern_mlir.compile(exported(nn.Conv2d(3, 4, 3), values(1, 3, 8, 8)), "vulkan1.1")
        own.save_library(tmp_path / "lib")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["", "1st", "a-b", "a b", "naïve", "../x", *sorted(RESERVED)[:3]])
def test_a_name_that_c_does_not_take_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LibraryError, match="cannot be the name of a library"):
        write_library(contents(), tmp_path / "lib", name)


def test_a_folder_is_replaced_whole_and_a_foreign_one_left_alone(tmp_path: Path) -> None:
    own, folder = contents(), tmp_path / "lib"
    write_library(own, folder, weights="file")
    write_library(own, folder)
    assert not (folder / "model.weights").exists() and list(tmp_path.iterdir()) == [folder]
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(LibraryError, match=r"no folder of this library \(notes.txt\)"):
        write_library(own, folder)
    with pytest.raises(LibraryError, match="a file"):
        write_library(own, folder / "notes.txt")
    assert (folder / "notes.txt").read_text() == "mine"


def compile_c(folder: Path, *words: str | Path) -> None:
    flags = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
    done = subprocess.run([*map(str, words[:1]), *flags, *map(str, words[1:])], cwd=folder)
    assert done.returncode == 0


def test_header_and_runtime_agree_on_the_options(tmp_path: Path) -> None:
    write_library(contents(), tmp_path / "lib")
    header = (tmp_path / "lib" / "model.h").read_text()
    (options,) = re.findall(r"typedef struct model_options {(.*?)}", header, re.DOTALL)
    fields = re.findall(r"(\w+); +/\*\*<", options)
    assert fields[0] == "signature" and fields[-1] == "weights_file"
    equal = [
        f"offsetof(model_options, {field}) == offsetof(pattern_model_options, {field})"
        for field in fields
    ]
    equal += ["sizeof(model_options) == sizeof(pattern_model_options)"]
    equal += [
        f"(int)MODEL_{status} == (int)PATTERN_{status}"
        for status in re.findall(r"  MODEL_([A-Z_]+) = \d", header)
        if status in ["OK", "BAD_ARGUMENT", "BUSY", "NO_FEATURE", "BAD_WEIGHTS", "BAD_ABI"]
    ]
    lines = [f'_Static_assert({condition}, "differs");' for condition in equal]
    source = tmp_path / "agree.c"
    source.write_text('#include "model.h"\n#include "pattern_model.h"\n' + "\n".join(lines) + "\n")
    compile_c(tmp_path, "gcc", "-std=c11", "-Ilib", f"-I{ROOT}/runtime/include", "-c", source)


TWO_MODELS = """
#include "first.h"
#include "second.hpp"

#include <cstdio>
#include <vector>

int main() {
  first_options options = FIRST_OPTIONS;
  first_instance *one = nullptr;
  if (first_create(&options, &one) != FIRST_OK)
    return 1;
  std::vector<float> x(FIRST_INPUT_0_ELEMENTS, 1), y(FIRST_OUTPUT_0_ELEMENTS), z(y.size());
  const void *inputs[] = {x.data()};
  void *ones[] = {y.data()}, *others[] = {z.data()};
  std::vector<int64_t> times(SECOND_LAYER_COUNT, -1);
  second_status status;
  second::Instance other = second::Instance::try_create(&status);
  if (!other || first_run(one, inputs, ones, FIRST_BATCH) != FIRST_OK ||
      other.try_run_timed(inputs, others, times.data()) != SECOND_OK)
    return 2;
  second::Instance moved(std::move(other));
  if (other || !moved)
    return 3;
  for (int64_t time : times)
    if (time < 0)
      return 4;
#ifdef SECOND_EXCEPTIONS
  try {
    moved.run(inputs, others, 3);
    return 5;
  } catch (const second::Error &error) {
    if (error.status() != SECOND_BAD_ARGUMENT)
      return 6;
  }
#endif
  std::printf("%s %s %s %d", first_inputs[0].name, second_outputs[0].name, second_layers[0].kernel,
              y == z);
  first_destroy(one);
  return 0;
}
"""


@pytest.mark.parametrize("exceptions", ["-fexceptions", "-fno-exceptions"])
def test_two_networks_are_linked_into_one_program(tmp_path: Path, exceptions: str) -> None:
    for name in ("first", "second"):
        write_library(contents(), tmp_path / name, name)
    (tmp_path / "main.cpp").write_text(TWO_MODELS)
    folders = [word for name in ("first", "second") for word in (f"-I{name}", f"-L{name}")]
    libraries = ("-lfirst", "-lsecond", "-pthread", "-lm")
    compile_c(
        tmp_path, "g++", "-std=c++11", exceptions, "main.cpp", *folders, "-static", *libraries
    )
    done = subprocess.run([tmp_path / "a.out"], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()[0::3]) == (0, ["input", "1"])


def test_names_of_a_model_cannot_break_its_header(tmp_path: Path) -> None:
    own = contents()
    (spec,) = own.plan.inputs
    odd = dataclasses.replace(spec, name='"*/ \\ ??/ é\n')
    plan = dataclasses.replace(own.plan, inputs=(odd,))
    write_library(dataclasses.replace(own, plan=plan), tmp_path / "lib")
    (tmp_path / "main.c").write_text(
        '#include "model.h"\n#include <stdio.h>\n'
        "int main(void) { fputs(model_inputs[0].name, stdout); return 0; }\n"
    )
    compile_c(tmp_path, "gcc", "-std=c99", "-Ilib", "main.c")
    done = subprocess.run([tmp_path / "a.out"], capture_output=True, text=True)
    assert done.stdout == odd.name


def test_the_runtime_in_llvm_ir_is_of_its_c_sources() -> None:
    names = ("include/pattern_runtime.h", "include/pattern_model.h")
    names += ("src/pattern_runtime.c", "src/pattern_model.c")
    sources = b"".join((ROOT / "runtime" / name).read_bytes() for name in names)
    digest = hashlib.sha256(sources).hexdigest()
    for architecture in ("aarch64", "x86_64"):
        first = (ROOT / f"runtime/ir/{architecture}.ll").read_text().partition("\n")[0]
        assert first.endswith(digest), "run `make runtime-ir`"


def test_a_library_is_made_without_torch_and_mlir(model: CompiledModel, tmp_path: Path) -> None:
    model.save(tmp_path / "model.pattern")
    script = (
        "import sys, pattern_mlir\n"
        f"pattern_mlir.load({str(tmp_path / 'model.pattern')!r})"
        f".save_library({str(tmp_path / 'lib')!r})\n"
        "assert not {'torch', 'torch_mlir'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    assert (tmp_path / "lib" / "libmodel.so").exists()


@pytest.mark.parametrize(
    ("language", "command"), [("c", "gcc -std=c99"), ("cpp", "g++ -std=c++11")]
)
def test_the_programs_of_the_documentation_run(
    model: CompiledModel, tmp_path: Path, language: str, command: str
) -> None:
    (example,) = code_blocks((ROOT / "docs" / "library.md").read_text(), language)
    (tmp_path / f"main.{language}").write_text(example)
    model.save_library(tmp_path / "lib")
    libraries = ("-Ilib", "-Llib", "-lmodel", "-Wl,-rpath,lib")
    compile_c(tmp_path, *command.split(), f"main.{language}", *libraries)
    done = subprocess.run(["./a.out"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    assert language == "cpp" or len(done.stdout.splitlines()) == len(model.layers)


def test_the_commands_of_the_documentation_run(tmp_path: Path) -> None:
    program = exported(nn.Conv2d(3, 4, 3), values(1, 3, 8, 8))
    torch.export.save(program, tmp_path / "model.pt2")
    page = (ROOT / "docs" / "library.md").read_text()
    lines = [line for block in code_blocks(page, "sh") for line in block.splitlines()]
    compared = [line for line in lines if "--compare" in line]
    commands = [line for line in lines if line.startswith("pattern-opt")]
    assert len(commands) == 4 and len(compared) == 1
    for line in commands:
        assert pattern_opt.main(to_paths(line, tmp_path)) == 0, line


def to_paths(line: str, folder: Path) -> list[str]:
    """Return the arguments of a command whose files are in ``folder``."""
    words = shlex.split(line)[1:]
    files = {words.index("-o") + 1, words.index("model.pt2")}
    return [str(folder / word) if i in files else word for i, word in enumerate(words)]
