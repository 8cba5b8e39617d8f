"""Runs LiteRT with XNNPACK; litert-torch converts the exported program."""

from __future__ import annotations

from importlib import metadata

from protocol import Engine, Job, serve


def convert(job: Job) -> None:
    """Convert the exported program."""
    path = job.cache / "model.tflite"
    if path.exists():
        return
    import litert_torch
    import torch

    module = torch.export.load(job.model / "model.pt2").module()
    litert_torch.convert(module, (torch.from_numpy(job.input),)).export(str(path))


def load(job: Job) -> Engine:
    """Make an interpreter, which delegates to XNNPACK by default."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(job.cache / "model.tflite"), num_threads=job.threads)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]
    array = job.input

    def run() -> object:
        interpreter.set_tensor(source, array)
        interpreter.invoke()
        return interpreter.get_tensor(target)

    return Engine(metadata.version("ai-edge-litert"), run)


if __name__ == "__main__":
    serve(load, convert)
