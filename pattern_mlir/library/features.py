"""How a library finds out, without running into it, that a processor lacks what its code needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pattern_mlir.errors import LibraryError


@dataclass(frozen=True)
class FeatureCheck:
    """Where a processor says that it has a feature: `pattern_feature` of pattern_model.h.

    Attributes:
        name: LLVM's.
        leaf: of cpuid; on AArch64 what `getauxval` is asked for.
        subleaf: of cpuid.
        word: 0 to 3 for eax, ebx, ecx, edx.
        bit: in that word.
        state: bits of XCR0 that the system must set: it keeps the registers.
    """

    name: str
    leaf: int
    subleaf: int
    word: int
    bit: int
    state: int = 0


def feature_checks(architecture: str, features: Sequence[str]) -> tuple[FeatureCheck, ...]:
    """Return how to check ``features``, by LLVM's names, on ``architecture``.

    Those are left out that compilers use only when asked by name.

    Raises:
        LibraryError: nothing is known about a feature.
    """
    table = _AARCH64 if architecture == "aarch64" else _X86_64
    checks = {name: check for group in table for name, check in group.items()}
    unknown = [name for name in features if name not in checks and name not in UNUSED]
    if unknown:
        raise LibraryError(
            f"how to check a processor for {', '.join(unknown)} is not known; compile for a"
            " processor by name, with --cpu"
        )
    return tuple(checks[name] for name in features if name in checks)


def _checks(
    leaf: int, subleaf: int, word: int, bits: dict[str, int], state: int = 0
) -> dict[str, FeatureCheck]:
    return {name: FeatureCheck(name, leaf, subleaf, word, bit, state) for name, bit in bits.items()}


_AVX, _AVX512, _EGPR = 0x6, 0xE6, 1 << 19
_EXTENDED = 0x80000001
_AVX512_EBX = {"f": 16, "dq": 17, "ifma": 21, "cd": 28, "bw": 30, "vl": 31}
_AVX512_ECX = {"vbmi": 1, "vbmi2": 6, "vnni": 11, "bitalg": 12, "vpopcntdq": 14}

_X86_64 = (
    _checks(1, 0, 2, {"sse3": 0, "ssse3": 9, "cx16": 13, "sse4.1": 19, "sse4.2": 20}),
    _checks(1, 0, 2, {"movbe": 22, "popcnt": 23}),
    _checks(1, 0, 2, {"fma": 12, "avx": 28, "f16c": 29}, _AVX),
    _checks(1, 0, 3, {"cx8": 8, "cmov": 15, "mmx": 23, "fxsr": 24, "sse": 25, "sse2": 26}),
    _checks(7, 0, 1, {"bmi": 3, "bmi2": 8}),
    _checks(7, 0, 1, {"avx2": 5}, _AVX),
    _checks(7, 0, 1, {f"avx512{name}": bit for name, bit in _AVX512_EBX.items()}, _AVX512),
    _checks(7, 0, 2, {f"avx512{name}": bit for name, bit in _AVX512_ECX.items()}, _AVX512),
    _checks(7, 0, 2, {"gfni": 8}),
    _checks(7, 0, 3, {"avx512vp2intersect": 8, "avx512fp16": 23}, _AVX512),
    _checks(7, 1, 0, {"avx512bf16": 5}, _AVX512),
    _checks(7, 1, 0, {"avxvnni": 4, "avxifma": 23}, _AVX),
    _checks(7, 1, 3, {"avxvnniint8": 4, "avxneconvert": 5, "avxvnniint16": 10}, _AVX),
    _checks(7, 1, 3, {"avx10.1": 19, "avx10.2": 19}, _AVX512),
    _checks(
        *(7, 1, 3),
        dict.fromkeys(("egpr", "ndd", "ccmp", "nf", "cf", "zu", "push2pop2", "ppx"), 21),
        _EGPR,
    ),
    _checks(_EXTENDED, 0, 2, {"sahf": 0, "lzcnt": 5, "sse4a": 6, "prfchw": 8, "tbm": 21}),
    _checks(_EXTENDED, 0, 2, {"xop": 11, "fma4": 16}, _AVX),
    _checks(_EXTENDED, 0, 3, {"64bit": 29}),
)
"""Intel SDM, volume 2, CPUID; AMD APM, volume 3, appendix E."""

_HWCAP, _HWCAP2 = 16, 26
_AARCH64 = (
    _checks(_HWCAP, 0, 0, {"fp-armv8": 0, "neon": 1, "aes": 3, "sha2": 6, "crc": 7, "lse": 8}),
    _checks(_HWCAP, 0, 0, {"fullfp16": 10, "rdm": 12, "jsconv": 13, "complxnum": 14, "rcpc": 15}),
    _checks(_HWCAP, 0, 0, {"dotprod": 20, "sve": 22, "fp16fml": 23, "rcpc-immo": 26}),
    _checks(_HWCAP, 0, 0, {"flagm": 27}),
    _checks(_HWCAP2, 0, 0, {"sve2": 1, "altnzcv": 7, "fptoint": 8, "i8mm": 13, "bf16": 14}),
    _checks(_HWCAP2, 0, 0, {"cssc": 34, "sve2p1": 36, "mops": 43}),
)
"""Linux, Documentation/arch/arm64/elf_hwcaps.rst."""

_UNUSED_X86_64 = """
adx aes amx-avx512 amx-bf16 amx-complex amx-fp16 amx-fp8 amx-int8 amx-movrs amx-tf32 amx-tile
amx-transpose cldemote clflushopt clwb clzero cmpccxadd crc32 enqcmd fsgsbase hreset invpcid jmpabs
kl lwp movdir64b movdiri movrs mwaitx pclmul pconfig pku prefetchi ptwrite raoint rdpid rdpru rdrnd
rdseed rtm serialize sgx sha sha512 shstk sm3 sm4 tsxldtrk uintr usermsr vaes vpclmulqdq waitpkg
wbnoinvd widekl xsave xsavec xsaveopt xsaves
"""
_UNUSED_AARCH64 = """
bti ccdp ccpp dit ecv hcx mte pan pan-rwv pauth perfmon predres rand ras sb sha3 sm4 spe ssbs
sve-aes sve-bitperm sve-sha3 sve-sm4 wfxt xs
"""
UNUSED = frozenset([*_UNUSED_X86_64.split(), *_UNUSED_AARCH64.split()])
"""Features that compilers use only when asked by name, which no layer does."""
