"""The device path without a device: networks and losses on pretended CUDA tensors, whole training steps on ``meta``.

Nothing in a step may make the host wait for the device: no number is read back, no tensor goes to the host, and what
comes from the host is sent without waiting. What cannot be walked so (non-maximum suppression, confusion matrices,
timing, the loss of the detectors' package, which counts boxes on the host) is looked at where there is a GPU: marker
``gpu``, in ``test_on_a_gpu``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_data import write_pairs
from PIL import Image
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from bench.cli.doctor import examine_gpu
from bench.errors import BenchError
from bench.plugin.kinds import METHODS, SEGMENTERS
from bench.plugin.method import TrainableMethod, TrainRequest
from bench.train import Phase, State, device_check
from bench.train.segmenter_loss import ohem_cross_entropy, plain_cross_entropy
from bench.train.segmenter_schedule import short_schedule
from bench.train.segmenter_step import build_optimiser, segmenter_step
from bench.train.stacks import LabelledStack
from bench.transfer import constant, to_device
from bench.types import PairFiles
from methods._training import adversarial, densefuse, fusiongan, ganmcc, losses, rfn_nest, sdnet, u2fusion
from methods._training import features as imagenet
from tasks.detection._ultralytics_tuning import TunableUltralytics
from tasks.detection.finetuning import begin, tuning_step
from tasks.detection.tuning_budget import TuningSchedule
from tasks.detection.tuning_data import BoxStack

READ_BACK = ("item", "tolist", "numpy", "cpu", "__bool__", "__float__", "__int__", "__index__")
MADE_THERE = ("new_tensor", "tensor", "as_tensor")
"""Of numbers of the host on a device: a copy that waits, and that no dispatched operation tells of."""
COUNTING = ("nonzero", "masked_select", "_unique2", "unique_dim", "equal", "bincount", "repeat_interleave")
"""Operations whose result has a shape, or is a number, that the host must ask the device for."""


class _Called(TorchFunctionMode):
    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self.found = found

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        own = args[0] if args else None
        if name in READ_BACK and isinstance(own, Tensor) and own.device.type != "cpu":
            self.found.append(name)
        result = func(*args, **(kwargs or {}))
        if name in MADE_THERE and result.device.type != "cpu":
            self.found.append(name)
        return result


class _Dispatched(TorchDispatchMode):
    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self.found = found

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = str(func).split(".")[1]
        tensors = [one for one in args if isinstance(one, Tensor)]
        away = [one for one in tensors if one.device.type != "cpu"]
        if away and (name in ("_local_scalar_dense", *COUNTING) or self.masked(name, args)):
            self.found.append(name)
        if self.crosses(name, tensors, kwargs) and not kwargs.get("non_blocking"):
            self.found.append(f"{name} {tensors[-1].device.type}")
        return func(*args, **kwargs)

    @staticmethod
    def masked(name: str, args: Sequence[Any]) -> bool:
        """True for an index of yes and no, whose count decides the shape."""
        indices = args[1] if name in ("index", "index_put", "index_put_") else ()
        return any(one is not None and one.dtype in (torch.bool, torch.uint8) for one in indices)

    @staticmethod
    def crosses(name: str, tensors: Sequence[Tensor], kwargs: Mapping[str, Any]) -> bool:
        """True for a copy between host and device; a single number of the host is an argument of a kernel."""
        if name == "_to_copy":
            wanted = kwargs.get("device")
            return wanted is not None and "cpu" in {tensors[0].device.type, wanted.type} != {"cpu"}
        return name == "copy_" and tensors[1].ndim > 0 and len({one.device.type for one in tensors}) > 1


@contextmanager
def watched() -> Iterator[list[str]]:
    """Collects what would make the host wait."""
    found: list[str] = []
    with _Called(found), _Dispatched(found):
        yield found


@contextmanager
def pretended() -> Iterator[None]:
    """Tensors of any device, without values."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield


def on_cuda(module: nn.Module) -> nn.Module:
    """Gives a network pretended CUDA tensors for its own."""
    for part in module.modules():
        for name, value in part._parameters.items():
            if value is not None:
                empty = torch.empty(value.shape, dtype=value.dtype, device="cuda")
                part._parameters[name] = nn.Parameter(empty, value.requires_grad)
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = torch.empty(buffer.shape, dtype=buffer.dtype, device="cuda")
    return module


def images(channels: int, size: int, dtype: torch.dtype = torch.float32, count: int = 2) -> Tensor:
    return torch.empty(count, channels, size, size, dtype=dtype, device="cuda")


# ------------------------------------------------------------------ the counter itself


def test_the_counter_sees_every_kind_of_wait() -> None:
    x = torch.empty(4, device="meta")
    seen: dict[str, Callable[[], object]] = {
        "_to_copy cpu": lambda: torch.zeros(4).to("meta"),
        "copy_ cpu": lambda: x.copy_(torch.zeros(4)),
        "index": lambda: x[x > 0],
        "item": lambda: x.max().item(),
        "__float__": lambda: float(x.max()),
        "tolist": lambda: x.tolist(),
        "new_tensor": lambda: x.new_tensor([1.0, 2.0]),
        "tensor": lambda: torch.tensor([1.0], device="meta"),
        "nonzero": lambda: x.nonzero(),
    }
    for name, wait in seen.items():
        # meta tensors have no values to give
        with watched() as found, suppress(RuntimeError, NotImplementedError):
            wait()
        assert name in found, name
    with watched() as found:
        to_device(np.zeros(3, np.float32), "meta")
        constant((1.0, 2.0, 3.0), x)
        (x * 2 + 1).sum()
        x[0] = 0.5
        float(torch.zeros(3).sum())
    assert found == []


def test_constants_are_sent_once_and_serve_both_modes() -> None:
    like = torch.zeros(2, dtype=torch.float64)
    with torch.inference_mode():
        first = constant(((0.1, 0.2), (0.3, 0.4)), like)
    assert first is constant(((0.1, 0.2), (0.3, 0.4)), like)
    assert first.tolist() == [[0.1, 0.2], [0.3, 0.4]]
    weight = torch.ones(2, 2, dtype=torch.float64, requires_grad=True)
    (weight * first).sum().backward()  # refused for tensors of inference mode
    assert weight.grad is not None
    with pretended():
        assert constant(((0.1, 0.2), (0.3, 0.4)), torch.empty(1, device="cuda")).device.type == "cuda"
        assert constant((7.0,), torch.empty(1, device="cuda")).device.type == "cuda"
    assert type(constant((7.0,), torch.zeros(1))) is Tensor


# ------------------------------------------------------------------ networks


LONG = ("swinfusion",)
"""Networks of so many operations that the walk takes long."""


def learned() -> list[Any]:
    names = [name for name in METHODS.names() if METHODS.get(name).info.kind == "learned"]
    return [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in names]


@pytest.mark.parametrize("name", learned())
def test_a_network_fuses_on_a_pretended_gpu_without_a_wait(name: str) -> None:
    cls = METHODS.get(name)
    method = cls(None, "cpu")
    size = 70 if cls.multiple == 10 else max(64, cls.multiple)
    of_ir, of_vis = {"luma": (1, 1), "rgb": (3, 3), "rgb_to_luma": (1, 3)}[cls.space]
    with pretended(), torch.no_grad():
        for net in method.modules().values():
            on_cuda(net)
        ir, vis = (images(channels, size, getattr(torch, cls.dtype), 1) for channels in (of_ir, of_vis))
        method.fuse(ir, vis)  # what is sent once
        with watched() as found:
            fused = method.fuse(ir, vis)
    assert fused.device.type == "cuda"
    assert fused.shape == ir.shape
    assert [one for one in found if one not in ("tensor", "_to_copy cpu")] == []


@pytest.mark.parametrize("name", SEGMENTERS.names())
def test_a_segmenter_and_its_losses_run_on_a_pretended_gpu(name: str) -> None:
    segmenter = build_segmenter(name)[0]
    with pretended():
        net, labels = on_cuda(segmenter.train()), torch.empty(2, 64, 64, dtype=torch.int64, device="cuda")
        pictures = images(3, 64)
        with watched() as found:
            outputs = net(pictures)
            values = [plain_cross_entropy(outputs[0], labels), ohem_cross_entropy(outputs[0], labels, 64 * 64)]
    assert {one.device.type for one in values} == {"cuda"}
    assert found == []


def build_segmenter(name: str) -> tuple[nn.Module, Any]:
    segmenter = SEGMENTERS.get(name)()
    try:
        return segmenter.build(9, 0)[0], segmenter
    except BenchError as error:
        if "mmsegmentation" in str(error) and not find_spec("mmcv"):
            pytest.skip("needs ivif-bench[segmentation]")
        raise


def loss_cases() -> dict[str, Callable[[], Sequence[Tensor]]]:
    """Every loss of a training on pretended images."""

    def of_gan(module: Any) -> Sequence[Tensor]:
        with _disable_current_modes():  # drawing its first weights looks at their values
            judge = adversarial.Discriminator(36, 1 if module is fusiongan else 2)
            adversarial.prepare(judge)
        on_cuda(judge)
        parts = [images(1, 36) for _ in range(3)]
        return [module.discriminator_loss(judge, *parts), *module.generator_loss(judge, *parts)]

    def of_u2fusion() -> Sequence[Tensor]:
        vgg = on_cuda(imagenet.VGGFeatures(None))
        weights = u2fusion.weights_of(vgg, images(1, 32), images(1, 32), 48, 1.0)
        return u2fusion.similarity_loss(images(1, 32), (images(1, 32), images(1, 32)), weights)

    def of_ifcnn() -> Sequence[Tensor]:
        with _disable_current_modes():  # its scale is measured when it is made
            net = imagenet.ResNetFeatures(None)
        on_cuda(net)
        return [net.distance(imagenet.normalise(images(3, 64)), imagenet.normalise(images(3, 64)))]

    return {
        "seafusion": lambda: losses.content_loss(images(1, 32), images(1, 32), images(1, 32)),
        "densefuse": lambda: densefuse.reconstruction_loss(images(1, 32), images(1, 32), 100.0),
        "rfn_nest": lambda: rfn_nest.fusion_loss(on_cuda(rfn_nest.RFNNest()), images(1, 64), images(1, 64)),  # type: ignore[arg-type]
        "sdnet": lambda: sdnet.squeeze_loss(images(1, 32), images(1, 32), images(1, 32)),
        "fusiongan": lambda: of_gan(fusiongan),
        "ganmcc": lambda: of_gan(ganmcc),
        "u2fusion": of_u2fusion,
        "ifcnn": of_ifcnn,
    }


@pytest.mark.parametrize("name", loss_cases())
def test_losses_run_on_a_pretended_gpu(name: str) -> None:
    with pretended(), torch.random.fork_rng(devices=[]):
        values = loss_cases()[name]()
    assert {one.device.type for one in values} == {"cuda"}


# ------------------------------------------------------------------ whole steps


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> tuple[PairFiles, ...]:
    folder = tmp_path_factory.mktemp("pairs")
    found = write_pairs(folder, [(96, 96)] * 4)
    labels = folder / "labels.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 9, (96, 96), dtype=np.uint8)).save(labels)
    return tuple(PairFiles("set", "train", one.id, one.ir_path, one.vis_path, labels) for one in found)


OPTIONS = {"u2fusion": (("sharpness", "1.0"),)}
"""What a training would measure before its first step is given here."""
TRAINABLE = [name for name in METHODS.names() if issubclass(METHODS.get(name), TrainableMethod)]


def trainer_of(name: str) -> Any:
    return METHODS.get(name).trainer()  # type: ignore[attr-defined]


def walk(phases: Sequence[Phase], state: State) -> list[str]:
    """Two steps of each phase; what would wait in the second, since the first sends what is sent once."""
    waits: list[str] = []
    for phase in phases:
        for prepare in (phase.begin, phase.prepare):
            if prepare is not None:
                prepare(state)
        phase.step(0, state)
        with watched() as found:
            values = phase.step(1, state)
        assert {one.device.type for one in values.values()} == {"meta"}
        waits += [f"{phase.name}: {one}" for one in found]
    return waits


@pytest.mark.parametrize("name", [name for name in TRAINABLE if name != "seafusion"])
def test_a_step_of_a_baseline_waits_for_nothing(name: str, pairs: tuple[PairFiles, ...], tmp_path: Path) -> None:
    request = TrainRequest(
        dataset="set", pairs=pairs, preset="smoke", out=tmp_path, device="meta", options=OPTIONS.get(name, ())
    )
    with torch.random.fork_rng(devices=[]):
        assert walk(*trainer_of(name).phases(request)) == []


def test_a_step_of_the_joint_training_waits_for_nothing(
    pairs: tuple[PairFiles, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # it does not know the device meta
    request = TrainRequest(
        dataset="set", pairs=pairs, preset="quick", out=tmp_path, device="meta", precision="float32",
        classes=tuple("abcdefghi"), options=(("mean_start", "false"),),  # which asks for a value once, before all steps
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        phases, state = trainer_of("seafusion").phases(request)
        names = [phase.name for phase in phases[:4]]
        assert names == [f"round {number}: {what}" for number in (1, 2) for what in ("fusion", "segmenter")]
        assert walk(phases[:4], state) == []


@pytest.mark.parametrize("name", SEGMENTERS.names())
def test_a_step_of_a_segmenter_waits_for_nothing(name: str) -> None:
    net, segmenter = build_segmenter(name)
    net = net.to("meta").train()
    data = LabelledStack(
        torch.empty(4, 3, 96, 96, dtype=torch.uint8, device="meta"),
        torch.empty(4, 96, 96, dtype=torch.uint8, device="meta"),
    )
    schedule = short_schedule(4, 2)
    state = State({"net": net}, {"segmenter": build_optimiser(segmenter, net, schedule)})
    step = segmenter_step(net, segmenter.loss_weights(), data, schedule, seed=0)
    assert walk([Phase("segmenter", 4, step)], state) == []


class Shown(TunableUltralytics):
    """Learns from the sum of its outputs; the package's own loss counts boxes, which no tensor without values has."""

    def loss(self, images: Tensor, boxes: Tensor) -> Tensor:
        assert boxes.shape[1:] == (6,)
        return sum((one.sum() for one in tensors_in(self.net(images))), boxes.sum() * 0)


def tensors_in(output: Any) -> Iterator[Tensor]:
    """All that a network in training gives."""
    if isinstance(output, Tensor):
        yield output
    for one in output.values() if isinstance(output, dict) else output if isinstance(output, (list, tuple)) else ():
        yield from tensors_in(one)


OF_THE_PACKAGE = {"rtdetr-l": {"_to_copy cpu"}}
"""Waits in the package's own networks: RT-DETR makes positions and sizes of its maps on the host in every pass."""


@pytest.fixture(params=["yolov5nu", "yolov10n", pytest.param("rtdetr-l", marks=pytest.mark.slow)])
def detector(request: pytest.FixtureRequest) -> Shown:
    for package in ("ultralytics", "faster_coco_eval"):
        pytest.importorskip(package, reason="the detection extra is not installed")
    made = Shown(request.param, None, "cpu", {0: "person", 2: "car"}, 0)
    made.name = request.param
    return made


def test_a_detector_runs_on_a_pretended_gpu(detector: Shown) -> None:
    detector.net.train()
    with pretended():
        on_cuda(detector.net)
        detector.net(images(3, 96))  # what is sent once
        with watched() as found:
            outputs = list(tensors_in(detector.net(images(3, 96))))
    assert {one.device.type for one in outputs} == {"cuda"}
    assert set(found) == OF_THE_PACKAGE.get(detector.name, set())


def test_a_step_of_a_detector_waits_for_nothing(detector: Shown) -> None:
    """But for the package's own loss."""
    detector.net.to("meta").train()
    boxes = np.array([[0, 8, 8, 40, 60], [1, 30, 20, 80, 90]], np.float32)
    data = BoxStack(torch.empty(4, 3, 96, 96, dtype=torch.uint8, device="meta"), (boxes,) * 4)
    schedule = TuningSchedule(steps=4, epochs=0, batch=2)
    phase = Phase("detector", 4, tuning_step(detector, data, schedule, seed=0))
    found = {wait.removeprefix("detector: ") for wait in walk([phase], begin(detector, schedule))}
    assert found == OF_THE_PACKAGE.get(detector.name, set())


# ------------------------------------------------------------------ bench doctor --gpu


def test_doctor_says_clearly_that_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BenchError, match=r"no GPU that PyTorch .* can compute on; nothing was measured"):
        examine_gpu(lambda _: None)


def test_the_steps_that_doctor_times_are_those_of_the_trainings() -> None:
    """On the CPU and small, so that every line of it runs."""
    found = list(device_check.paces("cpu", ["sdnet", "rfn_nest"], "smoke", (64, 64), steps=1))
    assert [(one.method, one.phase, one.waits) for one in found] == [
        ("sdnet", "squeeze", ""), ("rfn_nest", "auto-encoder", ""), ("rfn_nest", "fusion", ""),
    ]  # fmt: skip
    assert all(one.steps_per_s > 0 and one.steps_per_s_tf32 > 0 for one in found)
    assert found[0].line().startswith("| sdnet, squeeze | ")
    assert found[0].line().count("|") == device_check.HEAD[0].count("|")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU: PyTorch itself refuses what would wait there")
@pytest.mark.parametrize("name", TRAINABLE)
def test_no_step_waits_on_a_real_gpu(name: str) -> None:
    for pace in device_check.paces("cuda", [name], steps=3):
        assert pace.waits == "", pace.line()
