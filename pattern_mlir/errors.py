"""Exceptions of pattern_mlir: every message says what is wrong, where, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PatternError(Exception):
    """A mistake in the input that its user can mend; tools print it as one line and exit with 1."""


class ParameterError(PatternError):
    """A parameter is missing, damaged, or not of the shape or element type that was asked for."""


class ImportFailure(PatternError):
    """A model cannot be imported."""


class PassFailure(PatternError):
    """A pass cannot transform the module it was given."""


class PipelineError(PatternError):
    """A pass pipeline, a pass name or a pass option is not understood."""


class CompileError(PatternError):
    """A module cannot be lowered to the target."""


class PackageError(PatternError):
    """A package is damaged, of another version, or for another machine."""


class LibraryError(PatternError):
    """A library cannot be made of a compiled network."""


class InterpretError(PatternError):
    """A module cannot be interpreted, or the inputs do not fit it."""


class PruningError(PatternError):
    """A model cannot be pruned as the recipe says; the model stays as it was."""


class TrainingError(PruningError):
    """Training diverged: a loss or a weight is NaN or Inf."""


class CheckpointError(PruningError):
    """A checkpoint is damaged, or belongs to another recipe or model; nothing was loaded."""


class PruningRecordWarning(UserWarning):
    """What the pruner wrote into an exported program is not what its weights say."""


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the candidate nearest to ``word``, else ``""``."""
    nearest = difflib.get_close_matches(word, list(candidates), n=1, cutoff=0.6)
    return f"; did you mean '{nearest[0]}'?" if nearest else ""
