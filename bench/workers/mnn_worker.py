"""Runs MNN in f32; with `sparse` its converter encodes weights as sparse where that is faster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from protocol import Engine, Job, serve


def _file(job: Job) -> Path:
    return job.cache / ("sparse.mnn" if job.options["sparse"] else "dense.mnn")


def convert(job: Job) -> None:
    """Convert the ONNX file."""
    if _file(job).exists():
        return
    program = Path(sys.executable).parent / "mnnconvert"
    files: list[str | Path] = ["--modelFile", job.model / "model.onnx", "--MNNModel", _file(job)]
    options = ["--detectSparseSpeedUp"] if job.options["sparse"] else []
    subprocess.run([program, "-f", "ONNX", *files, "--bizCode", "bench", *options], check=True)


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
    target.copyFrom(image)

    def run() -> object:
        target.copyFrom(image)
        net.runSession(session)
        return net.getSessionOutput(session)

    return Engine(MNN.version(), run, lambda result: result.getNumpyData().copy())


if __name__ == "__main__":
    serve(load, convert)
