"""Distillation: losses that pull a student, the pruned model, towards its teacher, the dense one.

Two losses that a training loop adds to its own: soft targets (arXiv 1503.02531) compare what both
predict; relational distillation (arXiv 1911.03080) compares graphs of how alike the samples of a
batch look to both, so their representations may differ in every dimension but the batch's.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pattern_mlir.errors import PatternError, did_you_mean


def soft_target_loss(student: Tensor, teacher: Tensor, temperature: float = 4.0) -> Tensor:
    """Return how far the student's class probabilities are from the teacher's, a scalar.

    The Kullback-Leibler divergence, teacher against student, of both softmaxes at ``temperature``,
    in nats a sample, times its square, which keeps gradients as large as at temperature 1
    (arXiv 1503.02531, section 2).

    Args:
        student: class scores [N, classes].
        teacher: the same; no gradient flows into it.
        temperature: above 0; the higher, the more the unlikely classes count.

    Raises:
        PatternError: shapes differ, or the temperature is not above 0.
    """
    if student.shape != teacher.shape:
        raise PatternError(
            f"the student's scores are {list(student.shape)}, the teacher's"
            f" {list(teacher.shape)}; soft targets need the same classes"
        )
    if not temperature > 0:
        raise PatternError(f"the temperature must be above 0, got {temperature}")
    ours = F.log_softmax(student / temperature, dim=1)
    theirs = F.log_softmax(teacher.detach() / temperature, dim=1)
    divergence = F.kl_div(ours, theirs, reduction="batchmean", log_target=True)
    return divergence * temperature**2


def similarity_graph(representation: Tensor, neighbours: int | None = None) -> Tensor:
    """Return the adjacency matrix [N, N] of the samples of a batch, symmetric and normalised.

    An edge weighs the cosine similarity of two samples, but nothing where that is negative; a
    sample has no edge to itself. With ``neighbours`` an edge stays if either end has it among its
    so many heaviest. Each weight is divided by the square roots of both ends' sums.
    Source: arXiv 1911.03080, section 3.

    Args:
        representation: [N, ...], floating point.
        neighbours: at least 1; None, and N - 1 or more, keep every edge.

    Raises:
        PatternError: the batch has fewer than two samples, or ``neighbours`` is below 1.
    """
    count = len(representation)
    if count < 2:
        raise PatternError("a similarity graph needs a batch of at least 2 samples")
    if neighbours is not None and neighbours < 1:
        raise PatternError(f"a similarity graph needs at least 1 neighbour, got {neighbours}")
    unit = F.normalize(representation.flatten(1), dim=1)
    itself = torch.eye(count, dtype=torch.bool, device=unit.device)
    weights = (unit @ unit.T).clamp(min=0).masked_fill(itself, 0)
    if neighbours is not None and neighbours < count - 1:
        nearest = weights.topk(neighbours, dim=1).indices
        kept = torch.zeros_like(itself).scatter_(1, nearest, True)
        weights = weights * (kept | kept.T)
    # A sample unlike all others has sum 0: the clamp leaves its row 0 and its gradient finite.
    scale = weights.sum(dim=1).clamp(min=torch.finfo(weights.dtype).eps).rsqrt()
    return scale[:, None] * weights * scale


def relational_loss(student: Tensor, teacher: Tensor, neighbours: int | None = None) -> Tensor:
    """Return how far the student's similarity graph is from the teacher's, a scalar.

    The squared Frobenius distance of the graphs over the squared norm of the teacher's (arXiv
    1911.03080, section 3, where it is divided by N² instead): 0 for equal graphs, whatever the
    batch, the neighbours and the representations' dimensions.

    Args:
        student: representations [N, ...].
        teacher: those of the same samples, of any dimensions; no gradient flows into them.
        neighbours: as in `similarity_graph`.

    Raises:
        PatternError: the batches differ, or as `similarity_graph`.
    """
    if len(student) != len(teacher):
        raise PatternError(
            f"the student's batch has {len(student)} samples, the teacher's {len(teacher)};"
            " run both on the same samples"
        )
    theirs = similarity_graph(teacher.detach(), neighbours)
    ours = similarity_graph(student, neighbours)
    norm = theirs.square().sum().clamp(min=torch.finfo(theirs.dtype).eps)
    return (ours - theirs).square().sum() / norm


class Representations:
    """Captures what named modules of a model return, each time that the model runs.

    A context manager; its hooks are gone at the end of the `with`, or after `remove`.

    Example:
        with Representations(model, ["layer3"]) as captured:
            model(x)
            (representation,) = captured.tensors()
    """

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        """Hook the modules ``names`` of ``model``, as `named_modules` calls them.

        Raises:
            PatternError: the model has no module of a name.
        """
        modules = dict(model.named_modules())
        for name in names:
            if name not in modules:
                known = [name for name in modules if name]
                raise PatternError(
                    f"the model has no module '{name}'{did_you_mean(name, known)}"
                    f" (has: {', '.join(known)})"
                )
        self._names = tuple(names)
        self._outputs: dict[str, Tensor] = {}
        self._hooks = [modules[name].register_forward_hook(self._hook(name)) for name in names]

    def _hook(self, name: str) -> Any:
        def keep(module: nn.Module, inputs: object, output: object) -> None:
            if not isinstance(output, Tensor):
                raise PatternError(
                    f"module '{name}' returns a {type(output).__name__}, not a tensor;"
                    " name one that returns a tensor"
                )
            self._outputs[name] = output

        return keep

    def tensors(self) -> tuple[Tensor, ...]:
        """Return the modules' outputs of the last run, in the order of their names; forget them.

        Raises:
            PatternError: a module did not run.
        """
        missing = [name for name in self._names if name not in self._outputs]
        if missing:
            raise PatternError(
                f"module '{missing[0]}' did not run; run the model first, and name modules that"
                " its forward calls"
            )
        found = tuple(self._outputs[name] for name in self._names)
        self._outputs.clear()
        return found

    def remove(self) -> None:
        """Take the hooks away."""
        for hook in self._hooks:
            hook.remove()

    def __enter__(self) -> Representations:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take the hooks away."""
        self.remove()


class Distiller:
    """The distillation of ``teacher`` into ``student``, as one loss to add to a training loop's.

    Example:
        distiller = Distiller(dense, model, layers=["layer3", "layer4"])
        for x, y in loader:
            scores = model(x)
            loss = criterion(scores, y) + pruner.penalty() + distiller.loss(scores)
    """

    def __init__(
        self,
        teacher: nn.Module,
        student: nn.Module,
        layers: Sequence[str] = (),
        *,
        soft_weight: float = 1.0,
        temperature: float = 4.0,
        relational_weight: float = 1.0,
        neighbours: int | None = 8,
    ) -> None:
        """Put the teacher in eval mode and hook both models' ``layers``.

        Args:
            teacher: the dense model; it is not trained.
            student: the pruned model.
            layers: modules, of the same name in both, whose representations are compared.
            soft_weight: times `soft_target_loss`; 0 leaves it out.
            temperature: of the soft targets.
            relational_weight: times the mean over ``layers`` of `relational_loss`; 0 leaves it out.
            neighbours: of the similarity graphs.

        Raises:
            PatternError: a weight is negative, both are 0, there is nothing to compare, or a model
                has no such module.
        """
        if soft_weight < 0 or relational_weight < 0:
            raise PatternError("the weights of a distillation must not be negative")
        if not soft_weight and not (relational_weight and layers):
            raise PatternError(
                "nothing to distil: give soft_weight, or relational_weight and layers"
            )
        self._teacher = teacher.eval()
        self._soft_weight, self._temperature = soft_weight, temperature
        self._relational_weight, self._neighbours = relational_weight, neighbours
        compared = layers if relational_weight else ()
        self._captured = [Representations(model, compared) for model in (student, teacher)]
        self._call: tuple[tuple[Any, ...], dict[str, Any]] | None = None
        self._hook = student.register_forward_pre_hook(self._keep_call, with_kwargs=True)

    def _keep_call(self, student: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        self._call = args, kwargs

    def loss(self, scores: Tensor) -> Tensor:
        """Return the loss, a scalar, right after the student's run that gave class ``scores``.

        The teacher runs on the student's input.

        Raises:
            PatternError: the student did not run since the last call, or as the losses.
        """
        if self._call is None:
            raise PatternError("the student did not run; run it, then ask for the loss once")
        args, kwargs = self._call
        self._call = None
        with torch.no_grad():
            taught = self._teacher(*args, **kwargs)
        loss = scores.new_zeros(())
        if self._soft_weight:
            loss = loss + self._soft_weight * soft_target_loss(scores, taught, self._temperature)
        pairs = list(zip(*(captured.tensors() for captured in self._captured), strict=True))
        for ours, theirs in pairs:
            relational = relational_loss(ours, theirs, self._neighbours)
            loss = loss + self._relational_weight / len(pairs) * relational
        return loss

    def remove(self) -> None:
        """Take the hooks off both models."""
        self._hook.remove()
        for captured in self._captured:
            captured.remove()
