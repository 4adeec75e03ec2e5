"""What cannot be walked without a GPU: suppression of boxes, confusion matrices, timing, the loss of a detector.

Each is done on the CPU too, so that the test itself is known to run; the marker ``gpu`` is the same on a GPU, against
the CPU's answer.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_data import write_pairs

from bench.fusion.efficiency import measure
from bench.fusion.harness import Fuser
from bench.plugin.kinds import METHODS
from bench.train import Phase, run_phases
from bench.train.clock import clock
from tasks.detection.boxes import Placement, Protocol, select, select_final
from tasks.detection.finetuning import begin, tuning_step
from tasks.detection.tuning_budget import TuningSchedule
from tasks.detection.tuning_data import BoxStack
from tasks.segmentation.inference import confusion_matrices

ON_A_GPU = pytest.param(
    "cuda",
    marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU to try it on")],
)
devices = pytest.mark.parametrize("device", ["cpu", ON_A_GPU])


@devices
def test_the_same_boxes_are_kept(device: str) -> None:
    random = np.random.default_rng(0)
    corners = random.uniform(0, 400, (600, 2))
    boxes = torch.from_numpy(np.concatenate([corners, corners + random.uniform(20, 90, (600, 2))], axis=1)).float()
    scores = torch.from_numpy(random.permutation(1200).reshape(600, 2) / 1200).float()  # without ties
    ids, placement = torch.tensor([0, 2]), Placement((1.0, 1.0), (0, 0), 500, 500)
    wanted = select(boxes, scores, ids, placement, Protocol())
    found = select(boxes.to(device), scores.to(device), ids.to(device), placement, Protocol())
    assert 100 < len(found.scores) <= 300
    for name in ("boxes", "scores", "classes"):
        assert (getattr(found, name) == getattr(wanted, name)).all(), name
    final = [
        select_final(boxes.to(at), scores[:, 0].to(at), ids.repeat(300).to(at), (2,), placement, Protocol())
        for at in ("cpu", device)
    ]
    assert (final[0].boxes == final[1].boxes).all()
    assert set(final[1].classes.tolist()) == {2}


@devices
def test_the_same_pixels_are_counted(device: str) -> None:
    random = torch.Generator().manual_seed(0)
    truth, predicted = (torch.randint(0, 9, (3, 50, 70), generator=random) for _ in range(2))
    truth[:, :5] = 255
    found = confusion_matrices(truth.to(device), predicted.to(device), 9).cpu()
    assert (found == confusion_matrices(truth, predicted, 9)).all()
    assert found.sum(dim=(1, 2)).tolist() == [45 * 70] * 3


@devices
def test_a_clock_waits_for_the_work_before_it(device: str) -> None:
    at = torch.device(device)
    block = torch.rand(1500, 1500, device=at)
    block @ block  # what is loaded once
    start = clock(at)
    for _ in range(20):
        last = block @ block
    seen = clock(at) - start
    float(last[0, 0])  # waits on any device
    assert seen >= 0.9 * (time.perf_counter() - start)


@devices
def test_every_number_of_the_efficiency_of_a_network_is_measured(device: str, tmp_path: Path) -> None:
    files = [*write_pairs(tmp_path, [(64, 96)] * 2)]
    method: Any = METHODS.get("densefuse")(None, device)
    rows = {row.metric: row.value for row in measure(Fuser(method), files, budget_s=2.0) if not row.pair}
    assert {"latency_ms_mean", "images_per_second", "params_M", "flops_G"} <= {
        name for name, value in rows.items() if value
    }


@devices
def test_a_detector_learns_by_the_loss_of_its_package(device: str, tmp_path: Path) -> None:
    """Its sum falls on two images seen over and over; on a GPU the weights stay there."""
    for package in ("ultralytics", "faster_coco_eval"):
        pytest.importorskip(package, reason="the detection extra is not installed")
    from tasks.detection._ultralytics_tuning import TunableUltralytics

    images = torch.full((2, 3, 64, 96), 40, dtype=torch.uint8)
    images[:, :, 16:48, 20:60] = 220
    boxes = np.array([[0, 20, 16, 60, 48]], np.float32)
    detector = TunableUltralytics("yolov5nu", None, device, {0: "person", 2: "car"}, 0)
    schedule = TuningSchedule(steps=12, epochs=0, batch=2, rate=3e-3, warmup=0.0, zoom=(1.0, 1.0), jitter=0.0)
    state, losses = begin(detector, schedule), list[float]()
    step = tuning_step(detector, BoxStack(images.to(device), (boxes,) * 2), schedule, seed=0)

    def noted(number: int, state: Any) -> Any:
        values = step(number, state)
        losses.append(float(values["detection_loss"].detach()))
        return values

    run_phases(
        state, [Phase("detector", 12, noted, prepare=lambda _: detector.net.train())], tmp_path, signature={}, seed=0
    )
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.9 * losses[0]
    assert {one.device.type for one in detector.net.parameters()} == {device}
