"""Pruning: find the patterns of a model, train its weights into them, look at the result.

PyTorch and numpy only; see docs/pruning.md.
"""

from pattern_mlir.pruning.checkpoint import resume_checkpoint, save_checkpoint
from pattern_mlir.pruning.inspection import LayerSummary, Summary
from pattern_mlir.pruning.masks import apply_torch_masks, read_torch_masks
from pattern_mlir.pruning.pruner import Pruner, prune_one_shot
from pattern_mlir.pruning.recipe import Recipe
from pattern_mlir.pruning.record import write_record
from pattern_mlir.pruning.training import seed_everything, train

__all__ = [
    "LayerSummary",
    "Pruner",
    "Recipe",
    "Summary",
    "apply_torch_masks",
    "prune_one_shot",
    "read_torch_masks",
    "resume_checkpoint",
    "save_checkpoint",
    "seed_everything",
    "train",
    "write_record",
]
