"""Data to train and prune on: scikit-learn's digits, files on the user's disk, made shapes.

Nothing is downloaded, and no pickle is loaded.
"""

from pattern_mlir.pruning.data.cifar import cifar10, cifar100
from pattern_mlir.pruning.data.digits import digits
from pattern_mlir.pruning.data.image_folder import ImageFolder
from pattern_mlir.pruning.data.samples import Samples
from pattern_mlir.pruning.data.shapes import shapes

__all__ = ["ImageFolder", "Samples", "cifar10", "cifar100", "digits", "shapes"]
