"""Networks that are no CNNs run through the dense path: graphs, continuous graphs, transformers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_models import arrays, exported, in_double, values

import pattern_mlir


def adjacency(nodes: int) -> Tensor:
    """Return a dense adjacency with self-loops, normalised on both sides (arXiv 1609.02907)."""
    edges = (values(nodes, nodes) > 0.8).float()
    edges = ((edges + edges.T + torch.eye(nodes)) > 0).float()
    scale = edges.sum(1).rsqrt()
    return scale[:, None] * edges * scale


class GraphConvolutions(nn.Module):
    """Two graph convolutions over a dense adjacency (arXiv 1609.02907)."""

    def __init__(self, features: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(features, hidden), nn.Linear(hidden, classes)

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        hidden = F.relu(edges @ self.first(x))
        return torch.log_softmax(edges @ self.second(hidden), -1)


class ContinuousGraphNetwork(nn.Module):
    """H' = (A - I) H + H (W - I) + H(0), integrated with fixed steps (arXiv 1912.00967)."""

    def __init__(self, features: int, hidden: int, classes: int, nodes: int) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(features, hidden), nn.Linear(hidden, classes)
        self.weight = nn.Parameter(0.1 * torch.randn(hidden, hidden))
        self.register_buffer("edges", adjacency(nodes))

    def derivative(self, h: Tensor, start: Tensor) -> Tensor:
        return 0.5 * (self.edges @ h - h) + h @ self.weight - h + start

    def forward(self, x: Tensor) -> Tensor:
        start = self.encoder(x)
        h, step = start, 0.25
        for _ in range(4):  # Runge-Kutta of fourth order
            a = self.derivative(h, start)
            b = self.derivative(h + step / 2 * a, start)
            c = self.derivative(h + step / 2 * b, start)
            d = self.derivative(h + step * c, start)
            h = h + step / 6 * (a + 2 * b + 2 * c + d)
        scores: Tensor = self.decoder(torch.relu(h))
        return scores


class Language(nn.Module):
    """Embedded tokens through a transformer's encoder (arXiv 1706.03762) to scores."""

    def __init__(self, activation: str, norm_first: bool) -> None:
        super().__init__()
        self.embedding, self.position = nn.Embedding(50, 32), nn.Parameter(torch.randn(21, 32))
        layer = nn.TransformerEncoderLayer(
            32, 4, 64, activation=activation, batch_first=True, norm_first=norm_first
        )
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.scores = nn.Linear(32, 50)

    def forward(self, tokens: Tensor) -> Tensor:
        scores: Tensor = self.scores(self.encoder(self.embedding(tokens) + self.position))
        return scores


def tokens() -> Tensor:
    return torch.randint(0, 50, (2, 21), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("build", "inputs"),
    [
        (lambda: GraphConvolutions(13, 16, 5), (values(37, 13), adjacency(37))),
        (lambda: ContinuousGraphNetwork(13, 16, 5, 37), (values(37, 13),)),
        (lambda: Language("relu", norm_first=False), (tokens(),)),
        (lambda: Language("gelu", norm_first=True), (tokens(),)),
    ],
    ids=["gcn", "continuous graph", "transformer", "transformer, norm first"],
)
def test_a_network_that_is_no_cnn(build: Callable[[], nn.Module], inputs: tuple[Any, ...]) -> None:
    torch.manual_seed(0)
    model = build().eval()
    compiled = pattern_mlir.compile(exported(model, *inputs), threads=2)
    with torch.no_grad():
        theirs = arrays(model(*inputs))
        reference = arrays(model.double()(*in_double(inputs)))
    for ours, own, expected in zip(arrays(compiled(*inputs)), theirs, reference, strict=True):
        error, allowed = (np.sqrt(np.square(x - expected).mean()) for x in (ours, own))
        size = np.sqrt(np.square(expected).mean())
        assert error <= max(1.2 * allowed, 1e-6 * size), f"{error:.2e}, PyTorch {allowed:.2e}"
