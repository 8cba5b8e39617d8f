"""Who takes part: this project and its peers, each with the settings it is timed with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.environments import OWN
from harness.networks import Case

OURS = "pattern_mlir"
HALF_LINEAR = f"{OURS}, linear weights f16"
"""This project with weights of linear layers in f16."""


@dataclass(frozen=True)
class Contender:
    """An engine with its settings.

    Attributes:
        name: as tables show it.
        peer: its name on the command line; one peer may have several contenders.
        worker: file in `workers/` without `.py`.
        environment: where it runs, see `environments.python`.
        options: what the worker is told.
        winograd: whether it computes convolutions in a transformed domain (arXiv 1509.09308).
        sparse: whether it uses that weights are zero.
        dense_weights: it runs the dense weights where the others run the pruned ones.
        networks: the only networks it runs; all, if empty.
    """

    name: str
    peer: str
    worker: str
    environment: str
    options: dict[str, Any] = field(default_factory=dict)
    winograd: bool = False
    sparse: bool = False
    dense_weights: bool = False
    networks: tuple[str, ...] = ()

    def takes_part(self, case: Case) -> bool:
        """Return whether it runs ``case``: what uses zeros only where there are some.

        A peer that would take too long is asked, and says so; ours only where they differ.
        """
        elsewhere = self.peer == OURS and bool(self.networks) and case.network not in self.networks
        return (case.pruned or not self.sparse) and not elsewhere


def _torch(name: str, **options: bool) -> Contender:
    return Contender(f"PyTorch {name}", "pytorch", "pytorch_worker", OWN, options)


def _mnn_sparse(name: str, block: int) -> Contender:
    return Contender(name, "mnn-sparse", "mnn_worker", "mnn", {"block": block}, sparse=True)


def _ours(name: str, precision: str, networks: tuple[str, ...] = ()) -> Contender:
    options = {"precision": precision}
    return Contender(name, OURS, "pattern_mlir_worker", OWN, options, networks=networks)


TVM_NETWORKS = ("resnet18", "mobilenet-v2", "vgg16-cifar")
"""Those that TVM's loops, which are not tuned, run in a few seconds."""

CONTENDERS = (
    _ours(OURS, "f32"),
    _ours(HALF_LINEAR, "f16-linear-weights", networks=("vgg16",)),
    _torch("eager, NCHW"),
    _torch("eager, channels last", channels_last=True),
    _torch("inductor", inductor=True),
    _torch("inductor, frozen", inductor=True, freezing=True),
    Contender("OpenVINO", "openvino", "openvino_worker", "openvino"),
    Contender("ncnn, Winograd", "ncnn", "ncnn_worker", "ncnn", {"winograd": True}, winograd=True),
    Contender("ncnn, no Winograd", "ncnn", "ncnn_worker", "ncnn", {"winograd": False}),
    Contender("DeepSparse", "deepsparse", "deepsparse_worker", "deepsparse", sparse=True),
    Contender(
        "DeepSparse, dense weights",
        "deepsparse",
        "deepsparse_worker",
        "deepsparse",
        winograd=True,
        dense_weights=True,
    ),
    _mnn_sparse("MNN, sparse encoding", block=1),
    _mnn_sparse("MNN, sparse encoding, blocks of 4", block=4),
    Contender("onnxruntime", "onnxruntime", "onnxruntime_worker", "onnxruntime"),
    Contender("MNN", "mnn", "mnn_worker", "mnn", {"block": 0}, winograd=True),
    Contender("LiteRT", "litert", "litert_worker", "litert"),
    Contender("ExecuTorch", "executorch", "executorch_worker", "executorch"),
    Contender("IREE", "iree", "iree_worker", "iree"),
    Contender("TVM, not tuned", "tvm", "tvm_worker", "tvm", networks=TVM_NETWORKS),
)
PEERS = tuple(dict.fromkeys(own.peer for own in CONTENDERS if own.peer != OURS))


def chosen(peers: list[str], case: Case) -> list[Contender]:
    """Return this project and the contenders of ``peers`` that take part in ``case``."""
    names = {OURS, *peers}
    return [own for own in CONTENDERS if own.peer in names and own.takes_part(case)]
