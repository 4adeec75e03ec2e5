"""Steps per second of the segmenter and of the fusion network; run with ``--benchmark-only``.

On a CPU at a small size; where a GPU is at hand at the paper's size as well (synthetic 640x480, batch 16 and 8).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bench.plugin.method import TrainRequest
from bench.train import State
from bench.train.batches import step_generator
from bench.train.precision import pick_precision
from bench.train.segmenter_loss import ohem_cross_entropy
from bench.train.segmenter_schedule import SegmenterSchedule
from bench.train.segmenter_step import augment, build_optimiser, draw_augmentation, segmenter_step
from bench.train.stacks import LabelledStack, PairStack
from methods._training.seafusion import JointTraining
from methods._training.seafusion_recipe import Plan, Recipe
from tasks.segmentation.segmenters.banet import BanetSegmenter

GPU = pytest.param("cuda", 480, 640, 16, marks=[pytest.mark.gpu])
SIZES = [pytest.param("cpu", 120, 160, 4), GPU]


@pytest.fixture(autouse=True)
def _gpu(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("no GPU")


def synthetic(device: str, height: int, width: int, count: int = 64) -> LabelledStack:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, 9, (count, height // 16, width // 16), dtype=torch.uint8, generator=generator)
    labels = labels.repeat_interleave(16, 1).repeat_interleave(16, 2)[:, :height, :width]
    rows, columns = height - labels.shape[1], width - labels.shape[2]
    return LabelledStack(images.to(device), torch.nn.functional.pad(labels, (0, columns, 0, rows)).to(device))


def waiting(function: Callable[..., Any], device: str) -> Callable[..., Any]:
    """The function, followed by a wait for the device."""

    def call(*arguments: Any) -> Any:
        result = function(*arguments)
        if device == "cuda":
            torch.cuda.synchronize()
        return result

    return call


@pytest.mark.parametrize(("device", "height", "width", "batch"), SIZES)
@pytest.mark.parametrize("precision", ["float32", "auto"])
def test_segmenter_steps(benchmark: Any, device: str, height: int, width: int, batch: int, precision: str) -> None:
    segmenter, schedule = BanetSegmenter(), SegmenterSchedule(steps=10_000, batch=batch)
    net, _ = segmenter.build(9, 0)
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    state = State({"segmenter": net}, {"segmenter": build_optimiser(segmenter, net, schedule)})
    step = segmenter_step(
        net, segmenter.loss_weights(), synthetic(device, height, width), schedule, seed=0,
        precision=pick_precision(precision, device),
    )  # fmt: skip

    def ten() -> None:  # a run of steps, so that what the host does meanwhile is hidden as in a training
        for number in range(10 if device == "cuda" else 1):
            step(number, state)

    benchmark.pedantic(waiting(ten, device), rounds=5, warmup_rounds=2)
    rate = (10 if device == "cuda" else 1) / benchmark.stats.stats.median
    benchmark.extra_info.update(steps_per_s=rate, images_per_s=rate * batch, device=device)


@pytest.mark.parametrize(("device", "height", "width", "batch"), SIZES)
def test_augmentation_of_a_batch(benchmark: Any, device: str, height: int, width: int, batch: int) -> None:
    data, schedule = synthetic(device, height, width, batch), SegmenterSchedule(steps=1, batch=batch)

    def call() -> tuple[Tensor, Tensor]:
        return augment(data.images, data.labels, draw_augmentation(step_generator(0, 0), batch, schedule))

    benchmark.pedantic(waiting(call, device), rounds=5, warmup_rounds=2)


@pytest.mark.parametrize(("device", "height", "width", "batch"), SIZES)
def test_ohem_of_a_batch(benchmark: Any, device: str, height: int, width: int, batch: int) -> None:
    logits = torch.randn(batch, 9, height, width, device=device)
    labels = torch.randint(0, 9, (batch, height, width), device=device)
    benchmark.pedantic(waiting(ohem_cross_entropy, device), (logits, labels, height * width), rounds=5, warmup_rounds=2)


@pytest.mark.parametrize(("device", "height", "width", "batch"), [pytest.param("cpu", 60, 80, 2), GPU])
@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_fusion_steps(benchmark: Any, device: str, height: int, width: int, batch: int, beta: float) -> None:
    recipe = replace(Recipe(), fusion_batch=max(2, batch // 2))
    request = TrainRequest("demo", (), "paper", Path(), device=device)
    plan = Plan(request, recipe, "full", "banet", pick_precision("auto", device), compile=False, classes=9)
    data = synthetic(device, height, width, 16)
    stack = PairStack(tuple(map(str, range(16))), data.images[:, :1], data.images, data.labels)
    training = JointTraining(plan, stack, None)
    training._enter(fusion=True)

    def call() -> None:
        training._fusion_step(0, training.state, 0, beta)

    benchmark.pedantic(waiting(call, device), rounds=5, warmup_rounds=2)
    benchmark.extra_info.update(samples_per_s=recipe.fusion_batch / benchmark.stats.stats.median, device=device)
