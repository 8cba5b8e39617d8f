"""From objects to shared libraries, without the C library that these will run with; to programs."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pattern_mlir.errors import LibraryError
from pattern_mlir.library import elf

PAGE = 16384
"""Bytes of the largest page that systems use: Android's from version 15 on."""


@dataclass(frozen=True)
class System:
    """What a library runs on.

    Attributes:
        architecture: `x86_64` or `aarch64`.
        android: whether its C library is bionic; glibc else.
    """

    architecture: str
    android: bool

    @property
    def triple(self) -> str:
        """As LLVM writes it."""
        return f"{self.architecture}-unknown-linux-{'android' if self.android else 'gnu'}"

    @property
    def cpu(self) -> str:
        """The processor that every one of the architecture can stand in for, by LLVM's name."""
        return "x86-64" if self.architecture == "x86_64" else "generic"


def system(triple: str) -> System:
    """Return the system of ``triple``; raise LibraryError if libraries for it cannot be made."""
    architecture, *rest = triple.split("-")
    android = triple.endswith("-android")
    if architecture in elf.MACHINES and "linux" in rest and (android or triple.endswith("-gnu")):
        return System(architecture, android)
    raise LibraryError(
        f"no library can be made for {triple}, only for Linux and Android on"
        f" {' or '.join(elf.MACHINES)}; --emit=obj writes an object file"
    )


def linker() -> list[str]:
    """Return the command of lld; raise LibraryError where there is none."""
    if found := shutil.which("ld.lld"):
        return [found]
    versions = [f"ld.lld-{version}" for version in range(40, 14, -1)]
    if found := next(filter(None, map(shutil.which, versions)), None):
        return [found]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "ld.lld"]
    raise LibraryError(
        "no linker found; install lld (Debian and Ubuntu: apt install lld) or PyPI's ziglang"
        " (pip install 'pattern-mlir[link]')"
    )


def link_shared(
    system: System, name: str, objects: Mapping[str, bytes], exported: Sequence[str], folder: Path
) -> bytes:
    """Return the shared library lib``name``.so of ``objects``, which shows ``exported`` only.

    It is linked against libraries with the names of the C library's and a list of its functions:
    what `symbols` does not list is an error here and not on the device.

    Args:
        system: what it runs on.
        name: of the library.
        objects: object files by name.
        exported: the symbols that it shows.
        folder: an empty folder for files on the way.

    Raises:
        LibraryError: there is no linker, or an object needs another function.
    """
    for file, code in objects.items():
        (folder / file).write_bytes(code)
    names = [*objects, *(_stub(system, library, folder) for library in ("c", "m"))]
    (folder / "exports").write_text(f"{{ global: {'; '.join(exported)}; local: *; }};\n")
    output = f"lib{name}.so"
    options = ("-z", "text", "-z", "defs", "-z", "now", "-z", "relro", "-z", "noexecstack")
    sizes = ("-z", f"max-page-size={PAGE}", "-z", f"common-page-size={PAGE}")
    _run(
        folder,
        *linker(),
        *("-shared", "-soname", output, "-o", output, "--version-script=exports"),
        *(*options, *sizes, "--gc-sections", "--as-needed", "--build-id=sha1"),
        *names,
    )
    return (folder / output).read_bytes()


def static_compiler(system: System) -> list[str]:
    """Return a C compiler that links static programs for ``system``; raise LibraryError if none.

    Programs that need no library of the system run on Android, too.
    """
    package = "gcc"
    names = ["gcc", "cc"] if _is_native(system.architecture) else []
    if system.architecture == "aarch64":
        names, package = [*names, "aarch64-linux-gnu-gcc"], "gcc-aarch64-linux-gnu"
    if found := next(filter(None, map(shutil.which, names)), None):
        return [found]
    if importlib.util.find_spec("ziglang"):
        triple = f"{system.architecture}-linux-musl"
        return [sys.executable, "-m", "ziglang", "cc", "-target", triple, "-fno-sanitize=all"]
    raise LibraryError(
        f"no C compiler for {system.triple} found; install {package} (Debian and Ubuntu: apt"
        f" install {package}) or PyPI's ziglang (pip install 'pattern-mlir[link]')"
    )


def _is_native(architecture: str) -> bool:
    return sys.platform == "linux" and platform.machine() == architecture


def link_program(
    system: System, files: Mapping[str, bytes], source: str, library: str, folder: Path
) -> bytes:
    """Return the static program of a C source and a library.

    Args:
        system: what it runs on.
        files: source, library and headers by name.
        source: which of them is the source.
        library: which of them is the library.
        folder: an empty folder for files on the way.

    Raises:
        LibraryError: there is no compiler, or it failed.
    """
    for file, data in files.items():
        (folder / file).write_bytes(data)
    options = ("-std=c11", "-D_GNU_SOURCE", "-O2", "-static", "-I.", "-o", "program")
    _run(folder, *static_compiler(system), *options, source, library, "-lm", "-pthread")
    return (folder / "program").read_bytes()


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode == 0:
        return
    missing = re.findall(r"undefined symbol: (\S+)", done.stderr)
    if missing:
        raise LibraryError(
            f"the network needs {', '.join(sorted(set(missing)))}, which no C library has;"
            " convert the model to float32"
        )
    reason = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[0]
    raise LibraryError(f"{command[0]} failed: {reason}")


def symbols(library: str) -> tuple[str, ...]:
    """Return the functions of libc (`c`) or libm (`m`) that both bionic and glibc have."""
    file = resources.files("pattern_mlir.library") / "symbols" / f"lib{library}.txt"
    lines = file.read_text().splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


NEWER_VERSIONS = {"x86_64": {"GLIBC_2.3.2": r"pthread_cond_.*", "GLIBC_2.16": "getauxval"}}
"""Of functions that glibc's first version for an architecture lacks, or has in another form."""

FIRST_VERSION = {"x86_64": "GLIBC_2.2.5", "aarch64": "GLIBC_2.17"}
"""Of glibc, which every later one has, too."""


def _stub(system: System, library: str, folder: Path) -> str:
    """Write a library with the functions of libc or libm, and nothing in them; return its name."""
    names = symbols(library)
    soname = f"lib{library}.so" if system.android else f"lib{library}.so.6"
    text = "".join(f"define void @{name}() {{ ret void }}\n" for name in names)
    (folder / f"{library}.o").write_bytes(compiled(text, system))
    script = "LIBC { *; };\n" if system.android else _glibc_versions(system.architecture, names)
    (folder / f"{library}.versions").write_text(script)
    output = f"stub-{soname}"
    _run(
        folder,
        *linker(),
        *("-shared", "-soname", soname, "-o", output),
        *(f"--version-script={library}.versions", f"{library}.o"),
    )
    return output


def _glibc_versions(architecture: str, names: Sequence[str]) -> str:
    newer = NEWER_VERSIONS.get(architecture, {})
    versions: dict[str, list[str]] = {}
    for name in names:
        matching = (version for version, own in newer.items() if re.fullmatch(own, name))
        versions.setdefault(next(matching, FIRST_VERSION[architecture]), []).append(name)
    return "".join(f"{version} {{ {'; '.join(own)}; }};\n" for version, own in versions.items())


def compiled(text: str, system: System, weak: bool = False) -> bytes:
    """Return the object file of LLVM IR for any processor of ``system``.

    Args:
        text: of a module without triple.
        system: what it runs on.
        weak: whether its functions give way to others of the same name.
    """
    module, machine = _parsed(text, system)
    if weak:
        for function in module.functions:
            if not function.is_declaration and function.linkage.name == "external":
                function.linkage = "weak_odr"
    return bytes(machine.emit_object(module))


def _parsed(text: str, system: System) -> tuple[Any, Any]:
    """Return the module of ``text`` and the machine to make code with, for ``system``."""
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    llvm.initialize_native_asmparser()
    machine = llvm.Target.from_triple(system.triple).create_target_machine(
        cpu=system.cpu, opt=2, reloc="pic", codemodel="default"
    )
    module = llvm.parse_assembly(text, llvm.create_context())
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    return module, machine
