"""Runs onnxruntime's CPU provider."""

from __future__ import annotations

from protocol import Engine, Job, serve


def load(job: Job) -> Engine:
    """Make a session with all graph optimisations."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(
        job.model / "model.onnx", options, providers=["CPUExecutionProvider"]
    )
    images = {session.get_inputs()[0].name: job.input}
    return Engine(
        onnxruntime.__version__, lambda: session.run(None, images), lambda result: result[0]
    )


if __name__ == "__main__":
    serve(load)
