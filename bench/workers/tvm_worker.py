"""Runs TVM's code for this processor as it comes without tuning."""

from __future__ import annotations

from typing import Any

from protocol import Engine, Job, serve


def convert(job: Job) -> None:
    """Compile the ONNX file with Relax's default pipeline."""
    path = job.cache / "model.so"
    if path.exists():
        return
    import onnx
    import tvm
    from tvm.relax.frontend.onnx import from_onnx

    shapes = {"input": list(job.input.shape)}
    module = from_onnx(onnx.load(job.model / "model.onnx"), shape_dict=shapes)
    processor = tvm.get_global_func("target.llvm_get_system_cpu")()
    target = tvm.target.Target({"kind": "llvm", "mcpu": processor, "opt-level": 3})
    tvm.compile(module, target).export_library(str(path))


def load(job: Job) -> Engine:
    """Load the library into the virtual machine."""
    import tvm
    from tvm import relax

    tvm.get_global_func("runtime.config_threadpool")(1, job.threads)
    machine = relax.VirtualMachine(tvm.runtime.load_module(job.cache / "model.so"), tvm.cpu())
    image = tvm.runtime.tensor(job.input)

    def output(result: Any) -> Any:
        return (result if hasattr(result, "numpy") else result[0]).numpy()

    return Engine(tvm.__version__, lambda: machine["main"](image), output)


if __name__ == "__main__":
    serve(load, convert)
