"""Networks run on a Vulkan device as they do on the host; what goes wrong there is one error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import numpy.typing as npt
import pytest
import vulkan_networks as networks
from vulkan_networks import (
    contents,
    expected,
    kernel,
    needs_driver,
    needs_validation,
)

import pattern_mlir
from pattern_mlir import package
from pattern_mlir.compiled_model import CompiledModel
from pattern_mlir.errors import PackageError, PatternError
from pattern_mlir.package import Contents
from pattern_mlir.runtime.plan import InputError, PlannedLayer, TensorSpec
from pattern_mlir.runtime.vulkan import device as device_module
from pattern_mlir.runtime.vulkan import self_test
from pattern_mlir.runtime.vulkan.device import Device, DeviceInfo, devices, find_device
from pattern_mlir.runtime.vulkan.executable import VulkanExecutable
from pattern_mlir.runtime.vulkan.failures import (
    DeviceLost,
    DeviceTimeout,
    MissingFeature,
    NoDevice,
    OutOfMemory,
    VulkanFailure,
    WrongResults,
)
from pattern_mlir.runtime.vulkan.plan import Dispatch, Range, VulkanPlan
from pattern_mlir.tools import pattern_run

Array = npt.NDArray[Any]

pytestmark = needs_driver


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test see the CPU driver alone, and keep its caches in a folder of its own."""
    networks.use_cpu_driver()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def noise(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


X = noise(1, 4, 4, 4)


def check(model: CompiledModel, x: Array = X) -> None:
    for ours, theirs in zip(model(x), expected(x), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def host_code() -> Contents:
    """Return the network whose last sum runs on the processor."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    triple = llvm.get_process_triple()
    machine = llvm.Target.from_triple(triple).create_target_machine(opt=1, reloc="pic")
    module = llvm.parse_assembly(HOST_ADD)
    module.triple, module.data_layout = triple, str(machine.target_data)
    return contents(machine.emit_object(module), triple)


HOST_ADD = f"""
define void @add(ptr %buffers, i64 %lo, i64 %hi) {{
entry:
  %p1 = getelementptr ptr, ptr %buffers, i64 1
  %p2 = getelementptr ptr, ptr %buffers, i64 2
  %a = load ptr, ptr %buffers
  %b = load ptr, ptr %p1
  %c = load ptr, ptr %p2
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %pa = getelementptr float, ptr %a, i64 %i
  %pb = getelementptr float, ptr %b, i64 %i
  %pc = getelementptr float, ptr %c, i64 %i
  %x = load float, ptr %pa
  %y = load float, ptr %pb
  %z = fadd float %x, %y
  store float %z, ptr %pc
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, {networks.SIZE}
  br i1 %more, label %loop, label %end
end:
  ret void
}}
"""


@pytest.fixture(params=["mapped", "staged"])
def memory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test on memory that the device shares, and as if it had its own."""
    if request.param == "staged":
        original = Device.__init__

        def init(self: Device, info: DeviceInfo, features: Any = ()) -> None:
            original(self, info, features)
            self.unified = False

        monkeypatch.setattr(Device, "__init__", init)


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("make", [contents, host_code])
def test_a_network_computes_what_its_steps_say(make: Callable[[], Contents]) -> None:
    model = CompiledModel(make())
    for seed in range(3):
        check(model, noise(1, 4, 4, 4, seed=seed))


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("make", [contents, host_code])
def test_layers_give_their_results_and_their_times(make: Callable[[], Contents]) -> None:
    model = CompiledModel(make())
    found = {layer.place: result for layer, result in model.trace([X])}
    first, second = networks.WEIGHTS.reshape(2, 1, 4, 4, 4)
    wanted = {
        "layer0": 3 * X,
        "layer1": 2 * second,
        "layer2": X + first,
        "layer3": 3 * X + first,
        "layer4": expected(X)[0],
    }
    assert list(found) == list(wanted)
    for place, result in wanted.items():
        np.testing.assert_array_equal(found[place], result)
    times = model.profile(X)
    assert [layer.place for layer, _ in times] == list(wanted)
    assert all(nanoseconds > 0 for _, nanoseconds in times)


@pytest.mark.usefixtures("memory")
def test_weights_of_many_chunks_arrive_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pattern_mlir.runtime.vulkan.memory.CHUNK", 100)
    check(CompiledModel(contents()))


def test_a_multiple_of_the_batch_is_run_part_by_part() -> None:
    model, images = CompiledModel(contents()), noise(5, 4, 4, 4)
    check(model, images)
    assert sum(1 for _ in model.trace([images])) == 25


def test_inputs_that_do_not_fit_are_refused() -> None:
    model = CompiledModel(contents())
    with pytest.raises(InputError, match=r"has shape \[1, 4, 4, 5\]"):
        model(noise(1, 4, 4, 5))
    with pytest.raises(InputError, match="takes 1 inputs"):
        model(X, X)
    check(model)


def test_callers_in_several_threads_wait_for_each_other() -> None:
    from concurrent.futures import ThreadPoolExecutor

    model = CompiledModel(contents())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda seed: check(model, noise(1, 4, 4, 4, seed=seed)), range(20)))


@pytest.mark.parametrize("make", [contents, host_code])
def test_a_package_runs_without_torch_and_mlir(
    make: Callable[[], Contents], tmp_path: Path
) -> None:
    path = tmp_path / "model.pattern"
    CompiledModel(make()).save(path)
    script = (
        "import sys, numpy, pattern_mlir\n"
        f"x = numpy.load({str(tmp_path / 'x.npy')!r})\n"
        f"model = pattern_mlir.load({str(path)!r}, device='vulkan:0')\n"
        f"numpy.save({str(tmp_path / 'y.npy')!r}, model(x)[0])\n"
        "assert not {'torch', 'torch_mlir'} & set(sys.modules)\n"
    )
    np.save(tmp_path / "x.npy", X)
    subprocess.run([sys.executable, "-c", script], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), expected(X)[0])
    copy = tmp_path / "copy.pattern"
    pattern_mlir.load(path).save(copy)
    assert copy.read_bytes() == path.read_bytes()


def test_the_package_on_disk_lists_its_kernels(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "model.pattern"
    CompiledModel(contents()).save(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [*package.MEMBERS, "add.spv", "scale.spv"]
        assert archive.read("add.spv") == kernel("add")
        manifest = json.loads(archive.read(package.MANIFEST))
    page = (Path(__file__).parents[1] / "docs" / "package.md").read_text()
    steps = {key for step in manifest["plan"]["steps"] for key in step}
    keys = [*(f"plan.{key}" for key in manifest["plan"]), *(f"plan.steps[].{key}" for key in steps)]
    assert not [key for key in keys if f"`{key}`" not in page]


def test_every_mutation_of_a_manifest_ends_in_one_error_or_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A manifest with a right checksum is damaged at one value, then loaded and run."""
    own, path = contents(), tmp_path / "model.pattern"
    original, refused = package._manifest, 0
    for seed in range(300):
        rng = np.random.default_rng(seed)

        def mutated(*given: Any, rng: Any = rng) -> Any:
            manifest = json.loads(json.dumps(original(*given)))
            del manifest["members"]  # whose checksums are not what is tested
            mutate(manifest, rng)
            return {**manifest, "members": original(*given)["members"]}

        monkeypatch.setattr(package, "_manifest", mutated)
        CompiledModel(own).save(path)
        try:
            model = pattern_mlir.load(path)
            outputs = model.run([X])
            list(model.trace([X]))
        except PatternError:
            refused += 1
        else:
            assert len(outputs) <= 2, f"{seed=}"
    assert refused > 200


VALUES = [-1, 0, 3, 2**31, 2**70, 1.5, "arena", "weights:7", "", None, True, [], {}, [[]], {"a": 1}]


def mutate(value: Any, rng: Any) -> None:
    """Replace, remove or double something somewhere in ``value``."""
    while True:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key = keys[int(rng.integers(len(keys)))]
        child = value[key]
        if isinstance(child, (dict, list)) and child and rng.random() < 0.85:
            value = child
            continue
        way = rng.random()
        if way < 0.7:
            value[key] = VALUES[int(rng.integers(len(VALUES)))]
        elif way < 0.85:
            del value[key]
        elif isinstance(value, list):
            value.insert(key, child)
        else:
            value["extra"] = child
        return


def test_damage_anywhere_in_a_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "model.pattern"
    CompiledModel(contents()).save(path)
    saved, unchanged = path.read_bytes(), 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        damaged = bytearray(saved)
        damaged[int(rng.integers(len(damaged)))] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            read = package.read(path)
        except PackageError:
            continue
        unchanged += 1
        assert (read.plan, read.kernels) == (contents().plan, contents().kernels), f"{seed=}"
    assert unchanged < 40


def test_the_second_load_uses_the_pipeline_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    first = executable()
    assert first.cache.data == b""
    stored = first.cache.path.read_bytes()
    assert len(stored) > 32
    given: list[bytes] = []
    vk = pytest.importorskip("vulkan")
    original = vk.vkCreatePipelineCache

    def create(device: Any, creation: Any, *rest: Any) -> Any:
        given.append(bytes(vk.ffi.buffer(creation.pInitialData, creation.initialDataSize)))
        return original(device, creation, *rest)

    monkeypatch.setattr(vk, "vkCreatePipelineCache", create)
    second = executable()
    assert given == [second.cache.data] and stored.endswith(second.cache.data) and given[0]
    assert second.cache.path == first.cache.path


def executable() -> VulkanExecutable:
    own = contents()
    assert isinstance(own.plan, VulkanPlan)
    return VulkanExecutable(own.plan, own.kernels, own.weights, find_device("vulkan"))


def test_other_kernels_have_a_cache_of_their_own() -> None:
    own = contents()
    assert isinstance(own.plan, VulkanPlan)
    more = {**own.kernels, "more": self_test.kernel(32, 32)}
    other = VulkanExecutable(own.plan, more, own.weights, find_device("vulkan"))
    assert other.cache.path != executable().cache.path


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data + b"x", lambda _: b""]
)
def test_a_damaged_cache_is_not_given_to_the_driver(damage: Callable[[bytes], bytes]) -> None:
    path = executable().cache.path
    path.write_bytes(damage(path.read_bytes()))
    again = executable()
    assert again.cache.data == b"" and len(path.read_bytes()) > 32


def test_a_cache_that_cannot_be_written_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    check(CompiledModel(contents()))
    assert blocked.read_text() == "no folder"


def test_devices_are_named_by_number_and_by_parts_of_their_names() -> None:
    (found,) = devices()
    for word in ("vulkan", "vulkan:0", f"vulkan:{found.name[:5].upper()}"):
        assert find_device(word) == found
    assert found.kind == "CPU" and "storageBuffer16BitAccess" in found.features
    with pytest.raises(NoDevice, match=r"'vulkan:7' names 0 devices; there are vulkan:0"):
        find_device("vulkan:7")
    with pytest.raises(NoDevice, match="did you mean 'vulkan'"):
        find_device("vulcan:0")


def test_of_several_devices_a_gpu_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    (own,) = devices()
    kinds = ("CPU", "integrated GPU", "discrete GPU", "discrete GPU")
    several = tuple(replace(own, index=i, kind=kind) for i, kind in enumerate(kinds))
    monkeypatch.setattr(device_module, "devices", lambda: several)
    assert find_device("vulkan").index == 2
    with pytest.raises(NoDevice, match="names 4 devices"):
        find_device("vulkan:llvm")


def test_a_network_goes_to_the_kind_of_device_that_it_is_for(tmp_path: Path) -> None:
    CompiledModel(contents()).save(tmp_path / "gpu.pattern")
    with pytest.raises(NoDevice, match="for a GPU, not for 'host'"):
        pattern_mlir.load(tmp_path / "gpu.pattern", device="host")
    assert pattern_mlir.load(tmp_path / "gpu.pattern").device == find_device("vulkan")


def test_a_missing_feature_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    own = contents()
    half = replace(own, plan=replace(own.plan, features=("storageBuffer16BitAccess",)))
    (known,) = devices()
    poor = replace(known, features=("shaderInt16",))
    monkeypatch.setattr(device_module, "devices", lambda: (poor,))
    with pytest.raises(MissingFeature, match="lacks storageBuffer16BitAccess"):
        CompiledModel(half).run([X])
    old = replace(known, version=(1, 0, 3))
    monkeypatch.setattr(device_module, "devices", lambda: (old,))
    with pytest.raises(MissingFeature, match=r"offers Vulkan 1\.0, networks need 1\.1"):
        CompiledModel(own).run([X])


@pytest.mark.parametrize("features", [(), ("storageBuffer16BitAccess",), ("shaderFloat16",)])
def test_a_driver_that_computes_wrongly_is_found_at_load(
    monkeypatch: pytest.MonkeyPatch, features: tuple[str, ...]
) -> None:
    own = contents()
    model = CompiledModel(replace(own, plan=replace(own.plan, features=features)))
    wrong = self_test.variants(features)[-1]
    original = self_test.kernel

    def kernel(storage: int, arithmetic: int) -> bytes:
        """Multiply by a quarter, where the test expects a half."""
        words = np.frombuffer(original(storage, arithmetic), "<u4").copy()
        if (storage, arithmetic) == wrong:
            half, quarter = np.array([0.5, 0.25], f"f{arithmetic // 8}").view(f"u{arithmetic // 8}")
            assert (words == half).sum() == 1
            words[words == half] = quarter
        return words.tobytes()

    monkeypatch.setattr(self_test, "kernel", kernel)
    with pytest.raises(WrongResults, match=f"computes wrong results.*f{wrong[1]} arithmetic"):
        model.run([X])
    monkeypatch.setattr(self_test, "kernel", original)
    check(model)


def raising(kind: str) -> Callable[..., None]:
    vk = pytest.importorskip("vulkan")

    def fail(*_: Any) -> None:
        raise getattr(vk, kind)

    return fail


@pytest.mark.parametrize(
    ("call", "raised", "error", "message"),
    [
        ("vkAllocateMemory", "VkErrorOutOfDeviceMemory", OutOfMemory, "not enough memory left for"),
        ("vkAllocateMemory", "VkErrorOutOfHostMemory", OutOfMemory, "not enough memory left for"),
        ("vkMapMemory", "VkErrorMemoryMapFailed", OutOfMemory, "not enough memory left for"),
        ("vkCreateDevice", "VkErrorFeatureNotPresent", MissingFeature, "refuses for opening"),
        ("vkCreateDevice", "VkErrorDeviceLost", DeviceLost, "was lost while opening"),
        ("vkCreateComputePipelines", "VkErrorUnknown", VulkanFailure, "refuses compiling kernels"),
        ("vkQueueSubmit", "VkErrorDeviceLost", DeviceLost, "was lost while running"),
    ],
)
def test_what_a_driver_refuses_is_one_error_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    call: str,
    raised: str,
    error: type[VulkanFailure],
    message: str,
) -> None:
    path = tmp_path / "model.pattern"
    package.write(path, contents())
    monkeypatch.setattr(pytest.importorskip("vulkan"), call, raising(raised))
    with pytest.raises(error, match=message):
        pattern_mlir.load(path)
    assert pattern_run.main([str(path)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_lost_device_stays_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    model = CompiledModel(contents())
    check(model)
    with monkeypatch.context() as patch:
        patch.setattr(
            pytest.importorskip("vulkan"), "vkWaitForFences", raising("VkErrorDeviceLost")
        )
        with pytest.raises(DeviceLost, match="load the network again"):
            model.run([X])
    with pytest.raises(DeviceLost):
        model.run([X])
    check(CompiledModel(contents()))


def test_a_wait_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    model = CompiledModel(long(), timeout=60)
    model.prepare()
    vk = pytest.importorskip("vulkan")
    original = vk.vkWaitForFences

    def wait(*given: Any) -> None:
        assert given[-1] == 60e9
        original(*given[:-1], 10**6)

    monkeypatch.setattr(vk, "vkWaitForFences", wait)
    with pytest.raises(DeviceTimeout, match="did not finish within 60 s"):
        model.run([X.reshape(64)])
    with pytest.raises(DeviceTimeout):
        model.run([X.reshape(64)])


def long() -> Contents:
    """Return a network that takes a second or so: the self-test's kernel, again and again."""
    own, spec = contents(), TensorSpec("x", (64,), np.dtype("f4"))
    ranges = (Range("input:0", 0, 256), Range("output:0", 0, 256))
    step = Dispatch("long", ranges, (1, 2000, 1), (60_000,), 0)
    plan = VulkanPlan((PlannedLayer("long", 1),), (step,), (spec,), (spec,), (), 0, 0)
    return replace(
        own, plan=plan, kernels={"long": self_test.kernel(32, 32)}, weights=np.empty(0, np.uint8)
    )


VALIDATED = """
import numpy, sys
sys.path.insert(0, "test")
import vulkan_networks as networks
import test_vulkan_runtime as own
from pattern_mlir.compiled_model import CompiledModel
from pattern_mlir.runtime.vulkan.device import Device

if "staged" in sys.argv:
    original = Device.__init__
    def init(self, *given):
        original(self, *given)
        self.unified = False
    Device.__init__ = init
for make in (networks.contents, own.host_code):
    model = CompiledModel(make())
    own.check(model)
    model.profile(own.X)
    list(model.trace([own.X]))
if "wrong" in sys.argv:
    import vulkan
    device = model._executable._device
    vulkan.vkCreateBuffer(device.handle, vulkan.VkBufferCreateInfo(size=0), None)
"""


@needs_validation
@pytest.mark.parametrize("way", ["mapped", "staged", "wrong"])
def test_the_validation_layer_has_nothing_to_say(way: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", VALIDATED, way],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "VK_INSTANCE_LAYERS": "VK_LAYER_KHRONOS_validation"},
        capture_output=True,
        text=True,
    )
    said = run.stdout + run.stderr
    assert run.returncode == 0, said
    # The layer is there, and would speak: it does where a buffer has no bytes.
    assert ("VUID-VkBufferCreateInfo-size-00912" in said) == (way == "wrong"), said
    assert way == "wrong" or "Validation" not in said, said


def test_the_runner_lists_devices_and_runs_on_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pattern_run.main(["--list-devices"]) == 0
    assert "vulkan:0  llvmpipe" in capsys.readouterr().out
    path, x, y = (str(tmp_path / name) for name in ("model.pattern", "x.npy", "y.npz"))
    package.write(path, contents())
    np.save(x, X)
    assert pattern_run.main([path, "--device=vulkan:0", "--input", x, "--output", y]) == 0
    with np.load(y) as found:
        np.testing.assert_array_equal(found["y"], expected(X)[0])


def test_times_of_a_cpu_driver_are_called_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "model.pattern")
    package.write(path, contents())
    assert pattern_run.main([path, "--profile", "--benchmark", "--repeat=2"]) == 0
    said = capsys.readouterr().out
    assert "is a CPU driver: its times tell nothing about a GPU" in said
    assert "in 5 layers" in said and "layer4" in said and "peak" not in said.partition("layers,")[2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give a package, or --list-devices"),
        (["PACKAGE", "--device=vulkan:3"], "'vulkan:3' names 0 devices"),
        (["PACKAGE", "--device=cuda"], "unknown device 'cuda'"),
        (["PACKAGE", "--device=host"], "for a GPU, not for 'host'"),
        (["PACKAGE", "--timeout=0"], "needs a number of at least 1"),
    ],
)
def test_mistakes_with_devices_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    path = str(tmp_path / "model.pattern")
    package.write(path, contents())
    assert pattern_run.main([path if word == "PACKAGE" else word for word in words]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        ("VK_DRIVER_FILES=/nowhere VK_ICD_FILENAMES=/nowhere", "install one (Debian: mesa-vulkan"),
        ("PYTHONPATH=BLOCKED", "pip install 'pattern-mlir[vulkan]'"),
    ],
)
def test_without_drivers_or_bindings_the_remedy_is_named(
    tmp_path: Path, cause: str, message: str
) -> None:
    (tmp_path / "vulkan.py").write_text("raise ImportError")
    settings = dict(word.split("=") for word in cause.replace("BLOCKED", str(tmp_path)).split())
    run = subprocess.run(
        [sys.executable, "-m", "pattern_mlir.tools.pattern_run", "--list-devices"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1 and message in run.stderr and len(run.stderr.splitlines()) == 1
