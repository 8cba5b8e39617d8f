"""Runs DeepSparse on the ONNX file."""

from __future__ import annotations

from protocol import Engine, Job, serve


def load(job: Job) -> Engine:
    """Compile the ONNX file for latency."""
    import deepsparse

    engine = deepsparse.compile_model(
        str(job.model / "model.onnx"), batch_size=1, num_cores=job.threads
    )
    images = [job.input]
    return Engine(deepsparse.__version__, lambda: engine.run(images), lambda result: result[0])


if __name__ == "__main__":
    serve(load)
