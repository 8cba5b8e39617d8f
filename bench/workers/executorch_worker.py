"""Runs ExecuTorch with XNNPACK."""

from __future__ import annotations

from importlib import metadata

from protocol import Engine, Job, serve


def convert(job: Job) -> None:
    """Lower the exported program to XNNPACK."""
    path = job.cache / "model.pte"
    if path.exists():
        return
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    exported = torch.export.load(job.model / "model.pt2")
    lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
    path.write_bytes(lowered.to_executorch().buffer)


def load(job: Job) -> Engine:
    """Load the program into the runtime's Python binding."""
    import torch
    from executorch.extension.pybindings import portable_lib

    portable_lib._unsafe_reset_threadpool(job.threads)
    module = portable_lib._load_for_executorch(str(job.cache / "model.pte"))
    images = [torch.from_numpy(job.input)]
    return Engine(
        metadata.version("executorch"),
        lambda: module.forward(images),
        lambda result: result[0].numpy(),
    )


if __name__ == "__main__":
    serve(load, convert)
