"""Runs PyTorch: eager in either layout, or inductor, with or without freezing."""

from __future__ import annotations

import os
from typing import Any

from protocol import Engine, Job, serve


def load(job: Job) -> Engine:
    """Load the exported program; compile it unless it runs eagerly."""
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(job.cache)
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
    import torch

    torch.set_num_threads(job.threads)
    torch.set_grad_enabled(False)
    module: Any = torch.export.load(job.model / "model.pt2").module()
    image = torch.from_numpy(job.input)
    if job.options.get("channels_last"):
        module = module.to(memory_format=torch.channels_last)
        image = image.contiguous(memory_format=torch.channels_last)
    if job.options.get("inductor"):
        import torch._inductor.config

        torch._inductor.config.freezing = job.options.get("freezing", False)
        module = torch.compile(module)
        module(image)
    return Engine(torch.__version__, lambda: module(image), lambda result: result.numpy())


if __name__ == "__main__":
    serve(load)
