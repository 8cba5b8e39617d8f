"""Runs OpenVINO's CPU plugin in f32."""

from __future__ import annotations

from protocol import Engine, Job, serve


def load(job: Job) -> Engine:
    """Compile the ONNX file for latency."""
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": job.threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = openvino.Core().compile_model(job.model / "model.onnx", "CPU", settings)
    request = compiled.create_infer_request()
    request.set_input_tensor(openvino.Tensor(job.input))
    return Engine(
        openvino.__version__,
        request.infer,
        lambda result: request.get_output_tensor().data.copy(),
    )


if __name__ == "__main__":
    serve(load)
