"""One of two processes that train and prune together; see test_pruning_distributed.py."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import torch
import torch.distributed
from pruning_models import network, recipe, run_epoch
from torch.nn.parallel import DistributedDataParallel

from pattern_mlir.pruning import Pruner


def pruned(rank: int, before: bool) -> str:
    """Prune, the pruner made ``before`` the model is wrapped or after.

    Returns a digest of this rank's masks, weights and libraries of all epochs.
    """
    model = network(seed=rank)  # each rank starts with weights of its own
    if before:
        pruner = Pruner(model, recipe(allocation="global"))
        parallel = DistributedDataParallel(model)
    else:
        parallel = DistributedDataParallel(model)
        pruner = Pruner(parallel, recipe(allocation="global"))
    optimizer = torch.optim.SGD(parallel.parameters(), 0.05, momentum=0.9)
    digest = hashlib.sha256()
    for _ in range(pruner.recipe.epochs):
        run_epoch(parallel, pruner, optimizer)
        for name, mask in pruner.masks.items():
            digest.update(mask.numpy().tobytes())
            weight = model.get_submodule(name).weight
            assert not weight[~mask].any(), name
            digest.update(weight.detach().numpy().tobytes())
        digest.update(str((pruner.libraries, pruner.plans)).encode())
    assert pruner.masks
    return digest.hexdigest()


def main(folder: Path) -> None:
    """Write this rank's digests into ``folder``."""
    torch.distributed.init_process_group("gloo")
    rank = torch.distributed.get_rank()
    digests = [pruned(rank, before) for before in (True, False)]
    (folder / f"{rank}.txt").write_text("\n".join(digests))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    # DistributedDataParallel keeps gloo's threads beyond the group's end, and an interpreter that
    # ends while they run aborts now and then.
    os._exit(0)
