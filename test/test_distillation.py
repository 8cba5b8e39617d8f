"""Distillation: what the losses are, where their gradients flow, and what is refused."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from pattern_mlir.errors import PatternError
from pattern_mlir.pruning.distillation import (
    Distiller,
    Representations,
    relational_loss,
    similarity_graph,
    soft_target_loss,
)


def random(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def reference_graph(representation: np.ndarray, neighbours: int) -> np.ndarray:
    """The definition, one edge at a time."""
    rows = representation.reshape(len(representation), -1)
    count = len(rows)
    weights = np.zeros((count, count))
    for i in range(count):
        for j in range(count):
            if i != j:
                cosine = rows[i] @ rows[j] / np.linalg.norm(rows[i]) / np.linalg.norm(rows[j])
                weights[i, j] = max(0.0, cosine)
    nearest = [set(np.argsort(-row, kind="stable")[:neighbours].tolist()) for row in weights]
    for i in range(count):
        for j in range(count):
            if j not in nearest[i] and i not in nearest[j]:
                weights[i, j] = 0
    root = np.sqrt(weights.sum(axis=1))
    return weights / np.where(root > 0, root, 1)[:, None] / np.where(root > 0, root, 1)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**31), count=st.integers(2, 9), neighbours=st.integers(1, 9))
def test_a_similarity_graph_is_that_of_the_definition(
    seed: int, count: int, neighbours: int
) -> None:
    representation = random(seed, count, 3, 2, 2).double()
    expected = reference_graph(representation.numpy(), neighbours)
    found = similarity_graph(representation, neighbours).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_soft_targets_are_the_divergence_of_softened_probabilities() -> None:
    student, teacher = random(0, 5, 7).double(), random(1, 5, 7).double()
    p = np.exp(teacher.numpy() / 3) / np.exp(teacher.numpy() / 3).sum(axis=1, keepdims=True)
    q = np.exp(student.numpy() / 3) / np.exp(student.numpy() / 3).sum(axis=1, keepdims=True)
    expected = 9 * (p * np.log(p / q)).sum(axis=1).mean()
    assert float(soft_target_loss(student, teacher, temperature=3)) == pytest.approx(expected)


@pytest.mark.parametrize("loss", [soft_target_loss, relational_loss])
def test_a_student_that_equals_its_teacher_loses_nothing_and_the_teacher_learns_nothing(
    loss: object,
) -> None:
    assert callable(loss)
    teacher = random(0, 6, 10).requires_grad_()
    assert float(loss(teacher.detach().clone(), teacher)) == pytest.approx(0, abs=1e-6)
    student = random(1, 6, 10).requires_grad_()
    loss(student, teacher).backward()
    assert teacher.grad is None
    assert student.grad is not None and student.grad.abs().max() > 0


def test_representations_of_any_dimensions_compare() -> None:
    loss = relational_loss(random(0, 8, 4, 3, 3), random(1, 8, 17), neighbours=3)
    assert loss.ndim == 0 and float(loss) > 0


def test_scaling_and_rotating_a_representation_changes_no_graph() -> None:
    representation = random(0, 8, 5).double()
    rotation, _ = torch.linalg.qr(random(1, 5, 5).double())
    assert float(relational_loss(7 * representation @ rotation, representation, 3)) < 1e-20


def test_a_sample_of_zeros_makes_no_nan() -> None:
    representation = random(0, 4, 5)
    representation[2] = 0
    representation.requires_grad_()
    relational_loss(representation, random(1, 4, 5), neighbours=2).backward()
    assert representation.grad is not None and representation.grad.isfinite().all()


def network(seed: int, width: int = 4) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, width, 3), nn.ReLU(), nn.Flatten(), nn.Linear(width * 36, 3))


def test_representations_are_the_named_modules_outputs_until_the_hooks_are_gone() -> None:
    model, x = network(0), random(0, 5, 1, 8, 8)
    with Representations(model, ["1", "0"]) as captured:
        model(x)
        after, before = captured.tensors()
        torch.testing.assert_close(before, model[0](x))
        torch.testing.assert_close(after, model[1](model[0](x)))
    captured.tensors()
    model(x)
    with pytest.raises(PatternError, match="module '1' did not run"):
        captured.tensors()


def test_distillation_trains_a_narrower_student_towards_its_teacher() -> None:
    teacher, student, x = network(0), network(1, width=2), random(0, 16, 1, 8, 8)
    before = copy.deepcopy(teacher.state_dict())
    distiller = Distiller(teacher, student, ["1"])
    optimizer = torch.optim.Adam(student.parameters(), lr=1e-2)
    losses = []
    for _ in range(60):
        loss = distiller.loss(student(x))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    assert all(torch.equal(before[name], value) for name, value in teacher.state_dict().items())
    distiller.remove()
    assert not teacher[1]._forward_hooks and not student[1]._forward_hooks
    assert not student._forward_pre_hooks


def test_mistakes_end_in_one_clear_line() -> None:
    model = network(0)
    with pytest.raises(PatternError, match="no module 'head'"):
        Representations(model, ["head"])
    with pytest.raises(PatternError, match="same classes"):
        soft_target_loss(random(0, 2, 3), random(0, 2, 4))
    with pytest.raises(PatternError, match="above 0, got 0"):
        soft_target_loss(random(0, 2, 3), random(0, 2, 3), temperature=0)
    with pytest.raises(PatternError, match="same samples"):
        relational_loss(random(0, 2, 3), random(0, 3, 3))
    with pytest.raises(PatternError, match="at least 2 samples"):
        similarity_graph(random(0, 1, 3))
    with pytest.raises(PatternError, match="at least 1 neighbour"):
        similarity_graph(random(0, 3, 3), neighbours=0)
    with pytest.raises(PatternError, match="nothing to distil"):
        Distiller(model, model, soft_weight=0)
    with pytest.raises(PatternError, match="not be negative"):
        Distiller(model, model, soft_weight=-1)
    with pytest.raises(PatternError, match="the student did not run"):
        Distiller(model, model).loss(random(0, 2, 3))
    recurrent = nn.LSTM(3, 2)
    with Representations(recurrent, [""]), pytest.raises(PatternError, match="returns a tuple"):
        recurrent(random(0, 1, 1, 3))
