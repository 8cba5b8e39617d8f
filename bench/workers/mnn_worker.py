"""Runs MNN in f32, its weights dense or in its sparse encoding."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from protocol import Engine, Job, serve


def _file(job: Job) -> Path:
    return job.cache / f"block-{job.options['block']}.mnn"


def convert(job: Job) -> None:
    """Convert the ONNX file.

    With `block` above 0, weights with enough zeros get the sparse encoding, for so many filters in
    a row that have zeros at the same places.
    """
    if _file(job).exists():
        return
    program, block = Path(sys.executable).parent / "mnnconvert", job.options["block"]
    command: list[str | Path] = [
        program,
        "-f",
        "ONNX",
        "--modelFile",
        job.model / "model.onnx",
        "--bizCode",
        "bench",
    ]
    if block:
        pruning: dict[str, object] = {"type": "RANDOM"}
        if block > 1:
            pruning = {"type": "SIMD_OC", "simdOcPrunerParams": {"ocBlocks": [block]}}
        parameters = job.cache / f"block-{block}.json"
        algorithm = {"type": "PRUNE", "pruneParams": pruning}
        parameters.write_text(json.dumps({"version": "1", "algo": [algorithm]}))
        command += ["--detectSparseSpeedUp", "--compressionParamsFile", parameters]
    subprocess.run([*command, "--MNNModel", _file(job)], check=True)


def load(job: Job) -> Engine:
    """Make a session with f32 throughout."""
    import MNN

    net = MNN.Interpreter(str(_file(job)))
    session = net.createSession(
        {"numThread": job.threads, "precision": "high", "backend": "CPU", "memory": "normal"}
    )
    target = net.getSessionInput(session)
    array = job.input
    image = MNN.Tensor(array.shape, MNN.Halide_Type_Float, array, MNN.Tensor_DimensionType_Caffe)

    def run() -> object:
        target.copyFrom(image)
        net.runSession(session)
        return net.getSessionOutput(session)

    return Engine(MNN.version(), run, lambda result: result.getNumpyData().copy())


if __name__ == "__main__":
    serve(load, convert)
