"""The same masks on all ranks: what is projected comes from rank 0."""

from __future__ import annotations

from dataclasses import replace

import torch.distributed

from pattern_mlir.pruning.layers import Convolution


def shared_weight(convolution: Convolution) -> Convolution:
    """Return the convolution with the weight of rank 0; its own in a run of one process.

    Ranks that start with weights of their own, as before DistributedDataParallel wraps the model,
    would choose masks of their own else.
    """
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return convolution
    weight = convolution.weight.detach().clone(memory_format=torch.contiguous_format)
    torch.distributed.broadcast(weight, src=0)
    return replace(convolution, weight=weight)
