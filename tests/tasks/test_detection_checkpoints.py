"""Detectors' checkpoints: built from what is in the file, refused when they would run something."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import zipfile
from collections import OrderedDict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from detector_files import write_original, write_ultralytics
from torch import nn

from bench.errors import BenchError
from bench.plugin.kinds import DETECTORS
from bench.weights.pickled_modules import Inert, module_tensors, read_module_checkpoint
from tasks.detection import _files


class Evil:
    """Pickles as a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def ultralytics() -> None:
    """Skips where the package is not installed; imports it as the project does."""
    try:
        _files.require_ultralytics()
    except BenchError as error:
        pytest.skip(str(error))


@pytest.fixture
def original(tmp_path: Path) -> Path:
    ultralytics()
    return write_original(tmp_path / "yolov5n.pt")


def test_an_original_checkpoint_is_built_from_its_own_layer_list(original: Path) -> None:
    detector = DETECTORS.get("yolov5")(str(original), None, "cpu")
    images = torch.rand(2, 3, 50, 70, generator=torch.Generator().manual_seed(1))
    found = detector.detect(images, (0, 2))
    assert len(found) == 2
    for item in found:
        assert 0 < len(item.scores) <= 300
        assert set(item.classes.tolist()) <= {0, 2}
        assert (item.scores[:-1] >= item.scores[1:]).all()
        assert (item.boxes >= 0).all()
        assert (item.boxes[:, ::2] <= 70).all()
        assert (item.boxes[:, 1::2] <= 50).all()
    again = detector.detect(images[:1], (0, 2))[0]
    assert again.boxes == pytest.approx(found[0].boxes, abs=1e-2)


def test_boxes_are_decoded_by_the_formula_of_yolov5(original: Path) -> None:
    detector: Any = DETECTORS.get("yolov5")(str(original), None, "cpu")
    head = detector.net.model[-1]
    for convolution in head.m:
        nn.init.zeros_(convolution.weight)
        nn.init.zeros_(convolution.bias)
    with torch.inference_mode():
        boxes, scores = detector.net(torch.zeros(1, 3, 32, 64))
    # s = 0.5 everywhere: the centre is the cell's, the size the anchor's
    assert boxes.shape == (1, 2 * (4 * 8 + 2 * 4), 4)
    assert scores.unique().tolist() == [0.25]
    first, last = boxes[0, 0], boxes[0, -1]
    assert first.tolist() == pytest.approx([4 - 5, 4 - 6.5, 4 + 5, 4 + 6.5], abs=0.05)
    assert ((last[:2] + last[2:]) / 2).tolist() == pytest.approx([3.5 * 16, 1.5 * 16])
    assert (last[2:] - last[:2]).tolist() == pytest.approx([2 * 62, 2 * 45], abs=0.3)


def test_batch_norms_have_the_eps_of_yolov5(original: Path) -> None:
    detector: Any = DETECTORS.get("yolov5")(str(original), None, "cpu")
    assert {module.eps for module in detector.net.modules() if isinstance(module, nn.BatchNorm2d)} == {1e-3}


def test_the_families_are_never_confused(original: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"original YOLOv5.*detection.detector=yolov5"):
        DETECTORS.get("ultralytics")(str(original), None, "cpu")
    with pytest.raises(BenchError, match="yolov5nu"):
        DETECTORS.get("ultralytics")("yolov5n", tmp_path, "cpu")
    path = write_ultralytics(tmp_path / "u.pt")
    with pytest.raises(BenchError, match=r"wanted an original YOLOv5.*detection.detector=ultralytics"):
        DETECTORS.get("yolov5")(str(path), None, "cpu")


def test_a_model_of_the_ultralytics_package_gives_what_the_package_gives(tmp_path: Path) -> None:
    ultralytics()
    path = write_ultralytics(tmp_path / "yolov5nu.pt")
    detector: Any = DETECTORS.get("ultralytics")("yolov5nu", tmp_path, "cpu")
    assert detector.path == path
    images = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        theirs = torch.load(path, weights_only=False)["model"].float()(images)[0]
        ours = detector.net(images)[0]
    assert torch.equal(ours, theirs)
    from ultralytics.utils.nms import non_max_suppression

    wanted = non_max_suppression(theirs.clone(), 0.001, 0.6, classes=[0, 2], multi_label=True, max_det=300)[0]
    found = detector.detect(images, (0, 2))[0]
    assert len(found.scores) == len(wanted)
    assert found.scores == pytest.approx(wanted[:, 4].numpy())
    assert found.boxes[:, 0] == pytest.approx(wanted[:, 0].clamp(0, 96).numpy(), abs=1e-3)


HOSTILE = [
    (os.system, "touch {marker}"),
    (exec, "open({marker!r}, 'w')"),
    (open, "{marker}", "w"),
    (subprocess.call, ["touch", "{marker}"]),
    (getattr, OrderedDict, "fromkeys"),
]


@pytest.mark.parametrize("call", HOSTILE, ids=lambda call: call[0].__name__)
@pytest.mark.parametrize("detector", ["yolov5", "ultralytics"])
def test_a_hostile_checkpoint_is_refused_and_writes_nothing(tmp_path: Path, call: Any, detector: str) -> None:
    ultralytics()
    marker = tmp_path / "written"
    function, *arguments = call

    def fill(value: Any) -> Any:
        if isinstance(value, list):
            return [fill(item) for item in value]
        return value.format(marker=str(marker)) if isinstance(value, str) else value

    evil = Evil(function, *(fill(argument) for argument in arguments))
    for name, content in (("model", {"model": evil}), ("beside", {"model": None, "date": evil}), ("top", evil)):
        path = tmp_path / f"{name}.pt"
        torch.save(content, path)
        with pytest.raises(BenchError, match=r"refused, nothing was run"):
            DETECTORS.get(detector)(str(path), None, "cpu")
    assert not marker.exists()


def test_a_bare_pickle_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    marker, path = tmp_path / "written", tmp_path / "old.pt"
    path.write_bytes(pickle.dumps({"model": Evil(os.system, f"touch {marker}")}))
    with pytest.raises(BenchError, match="not a readable PyTorch checkpoint"):
        read_module_checkpoint(path, _files.INERT)
    assert not marker.exists()


def test_names_under_allowed_packages_are_only_stand_ins(tmp_path: Path) -> None:
    """``torch.nn.modules.module.torch`` would be a way to the rest of torch, ``numpy.load`` to other pickles."""
    path = tmp_path / "sly.pt"
    data = b"\x80\x04}\x8c\x05model\x8c\x17torch.nn.modules.module\x8c\x0btorch.hub.x\x93)Rs."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data)
    model = read_module_checkpoint(path, ("models",))["model"]
    assert isinstance(model, Inert)
    assert model.path == "torch.nn.modules.module.torch.hub.x"


def test_tensors_reach_nothing_outside_their_storage(tmp_path: Path) -> None:
    class Sly:
        def __init__(self, size: tuple[int, ...], stride: tuple[int, ...]) -> None:
            self.view = size, stride

        def __reduce__(self) -> Any:
            storage = torch.zeros(4)._typed_storage()
            return torch._utils._rebuild_tensor_v2, (storage, 0, *self.view, False, OrderedDict())

    for size, stride in (((100,), (1,)), ((1 << 40,), (0,))):
        path = tmp_path / "sly.pt"
        torch.save({"model": Sly(size, stride)}, path)
        with pytest.raises(BenchError, match="fetch it again"):
            read_module_checkpoint(path, ("models",))


def test_tensors_of_all_kinds_come_back_as_saved(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    module.register_buffer("unsaved", torch.ones(2), persistent=False)
    module[0].weight.data = module[0].weight.data.to(memory_format=torch.channels_last)
    torch.save({"model": module.half()}, tmp_path / "m.pt")
    tensors = module_tensors(read_module_checkpoint(tmp_path / "m.pt", ())["model"])
    wanted = module.state_dict()
    assert tensors.keys() == wanted.keys()
    assert all(torch.equal(tensors[key], wanted[key]) and tensors[key].dtype == wanted[key].dtype for key in wanted)


def test_missing_weights_are_named_with_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_WEIGHTS", raising=False)
    with pytest.raises(BenchError, match=r"YOLOv5/yolov5s.pt not found; mend with: curl .*v7.0/yolov5s.pt$"):
        _files.locate("yolov5s", tmp_path)
    with pytest.raises(BenchError, match=r"Ultralytics/yolo11n.pt .* and give --weights-root"):
        _files.locate("yolo11n", None)
    with pytest.raises(BenchError, match="do not exist"):
        _files.locate("some/where.pt", tmp_path)


def test_a_truncated_checkpoint_is_named(original: Path) -> None:
    original.write_bytes(original.read_bytes()[:-2000])
    with pytest.raises(BenchError, match=f"{original}: not a readable PyTorch checkpoint"):
        DETECTORS.get("yolov5")(str(original), None, "cpu")


def test_weights_that_do_not_fit_their_own_layout_are_named(original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.detection.detectors import yolov5

    real = module_tensors
    monkeypatch.setattr(yolov5, "module_tensors", lambda model: dict(list(real(model).items())[1:]))
    with pytest.raises(BenchError, match="do not fit its own layer list"):
        DETECTORS.get("yolov5")(str(original), None, "cpu")


def test_importing_ultralytics_leaves_other_libraries_alone() -> None:
    """In a fresh process: it would replace Pillow's ``open`` and more, so that a bad image asks for another package."""
    if find_spec("ultralytics") is None:
        pytest.skip("ultralytics is not installed")
    code = (
        "import cv2, torch\n"
        "from PIL import Image\n"
        "from tasks.detection import _files\n"
        "before = Image.open, torch.save, cv2.imread, cv2.imwrite, cv2.getNumThreads()\n"
        "_files.require_ultralytics()\n"
        "assert before == (Image.open, torch.save, cv2.imread, cv2.imwrite, cv2.getNumThreads())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
