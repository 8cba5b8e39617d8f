"""Runs ncnn in f32, with or without Winograd, or on a GPU; pnnx converts TorchScript for it."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

import numpy as np

from protocol import Engine, Job, serve


def convert(job: Job) -> None:
    """Convert TorchScript with the program in pnnx's wheel, whose Python part needs PyTorch."""
    if (job.cache / "model.ncnn.bin").exists():
        return
    found = importlib.util.find_spec("pnnx")
    if found is None or found.origin is None:
        raise FileNotFoundError("the package pnnx is not installed")
    program = Path(found.origin).parent / "pnnx"
    program.chmod(0o755)
    model = job.cache / "model.torchscript"
    shutil.copyfile(job.model / "model.torchscript", model)
    shape = ",".join(map(str, job.input.shape))
    subprocess.run([program, model, f"inputshape=[{shape}]", "fp16=0"], check=True, cwd=job.cache)
    for leftover in [model, *job.cache.glob("*.pnnx.*")]:
        leftover.unlink()


def load(job: Job) -> Engine:
    """Load the network without f16 and bf16.

    The option `half` asks for f16: `storage`, or `arithmetic` as well; the option `device` names a
    GPU, as Vulkan does.
    """
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = job.threads
    half = job.options.get("half", "")
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = half != ""
    net.opt.use_fp16_arithmetic = half == "arithmetic"
    net.opt.use_bf16_storage = False
    net.opt.use_winograd_convolution = job.options["winograd"]
    if "device" in job.options:
        net.opt.use_vulkan_compute = True
        net.set_vulkan_device(_device(job.options["device"]))
    if net.load_param(str(job.cache / "model.ncnn.param")):
        raise RuntimeError("ncnn refuses the network")
    if net.load_model(str(job.cache / "model.ncnn.bin")):
        raise RuntimeError("ncnn refuses the weights")
    array = np.ascontiguousarray(job.input[0])
    image = ncnn.Mat(array).clone()  # A Mat of an array does not keep the array alive.

    def run() -> object:
        extractor = net.create_extractor()
        extractor.input("in0", image)
        status, result = extractor.extract("out0")
        if status:
            raise RuntimeError(f"ncnn fails with status {status}")
        return result

    return Engine(ncnn.__version__, run, lambda result: np.array(result)[None])


def _device(name: str) -> int:
    """Return ncnn's number of the GPU ``name``."""
    import ncnn

    names = [ncnn.get_gpu_info(index).device_name() for index in range(ncnn.get_gpu_count())]
    return names.index(name)


if __name__ == "__main__":
    serve(load, convert)
