"""Two processes under torchrun have the same masks, libraries and weights at every epoch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_all_ranks_prune_the_same_whether_the_model_was_wrapped_before_or_after(
    tmp_path: Path,
) -> None:
    script = Path(__file__).with_name("pruning_ranks.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    result = subprocess.run(
        [*command, str(script), str(tmp_path)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    first, second = ((tmp_path / f"{rank}.txt").read_text() for rank in (0, 1))
    assert first == second and len(first.splitlines()) == 2
