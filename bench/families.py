"""Says where the time of each family's small network goes; writes docs/benchmarks/families.md.

The networks are those of test/family_blocks.py, dense, 32 channels wide, on 128 x 128 pixels.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import torch

import pattern_mlir
from pattern_mlir.parameters import write_text
from pattern_mlir.report import loop_shares

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmarks" / "families.md"
WIDTH, SIZE, REPEAT = 32, 128, 20


def main() -> None:
    """Profile every family and write the page."""
    sys.path.insert(0, str(ROOT / "test"))
    blocks = importlib.import_module("family_blocks")
    image = torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    rows = []
    for name in blocks.FAMILIES:
        model = blocks.create(name, WIDTH)
        compiled = pattern_mlir.compile(torch.export.export(model, (image,)))
        runs = [compiled.profile(image.numpy()) for _ in range(REPEAT)]
        # The least time of each layer: what others took of the core is in the longer ones.
        times = [min(run[i][1] for run in runs) for i in range(len(compiled.layers))]
        report, total = compiled.report(), sum(times)
        loops = loop_shares(compiled.layers, times, report.fallbacks, report.plain)
        relayouts = sum(
            time
            for layer, time in zip(compiled.layers, times, strict=True)
            if layer.kernel == "relayout"
        )
        share = sum(own.share for own in loops)
        named = ", ".join(f"{own.place} ({own.reason}, {own.share:.1%})" for own in loops[:3])
        rows.append(f"| {name} | {share:.1%} | {relayouts / total:.1%} | {named} |")
        print(rows[-1], flush=True)
    write_text(PAGE, PAGE_TEXT.format("\n".join(rows)))


PAGE_TEXT = """\
# Where the time of each family goes

Written by `python bench/families.py`: small networks of the families' own blocks, 32 channels wide,
128 x 128 pixels, dense, f32, one thread. Shares are of the sum of each layer's least time of 20
runs; other work shared the machine.

| family | in plain loops | changing layouts | the most in plain loops |
|---|---:|---:|---|
{}
"""

if __name__ == "__main__":
    main()
