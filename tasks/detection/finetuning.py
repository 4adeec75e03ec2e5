"""A detector is trained on a method's fused training images before it looks at its other images.

The network and its loss are the detector's own (``TunableDetector``); the loop is that of all trainings here, so that
it resumes at any step with the same result, and no checkpoint is a pickle.
"""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from bench.errors import BenchError
from bench.files import digest, file_digest, write_atomic
from bench.machine import exact_arithmetic
from bench.plugin.kinds import DETECTORS
from bench.plugin.task import FusedSet, Job, TunableDetector
from bench.train import Batches, Phase, State, completed, run_phases, set_learning_rate, step_generator, write_record
from bench.train.cost import seconds_per_step
from bench.train.segmenter_step import split_parameters
from bench.transfer import to_device
from tasks.detection.settings import Judge
from tasks.detection.truth import boxed
from tasks.detection.tuning_budget import TuningSchedule
from tasks.detection.tuning_data import BoxStack, cut_boxes, cut_images, draw_windows, load_stack

WEIGHTS = "detector.safetensors"

HELD = 0.998
"""The most of itself that the mean of the weights keeps from step to step; it is what detects in the end."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What all trainings of one job have in common.

    Attributes:
        job: of the task.
        schedule: of each training.
        classes: what is to be found, by id.
        part: the training images whose pairs have boxes.
        images: digest of these images and boxes.
    """

    job: Job
    schedule: TuningSchedule
    classes: Mapping[int, str]
    part: FusedSet
    images: str

    @classmethod
    def of(cls, job: Job, schedule: TuningSchedule, classes: Mapping[int, str]) -> Tuning:
        """Looks at the training images.

        Raises:
            BenchError: the data set has no labelled training part.
        """
        part = boxed(job.parts.get("train"))
        if not len(part):
            raise BenchError(
                f"{job.dataset}: has no training part with boxes; run without --option detection.finetune=true"
            )
        digests = [
            digest(files.id, file_digest(path), file_digest(files.boxes_path) if files.boxes_path else "")
            for files, path in zip(part.files, part.paths, strict=True)
        ]
        return cls(job, schedule, classes, part, digest(*digests))

    def signature(self, judge: Judge, start: Path | None, seed: int) -> dict[str, Any]:
        """All that the weights of one training depend on."""
        return {
            "detector": judge.plug_in, "model": judge.name, "start": file_digest(start) if start else "random",
            "schedule": asdict(self.schedule), "seed": seed, "images": self.images,
            "classes": {str(number): name for number, name in self.classes.items()},
        }  # fmt: skip

    def detector(self, judge: Judge, start: Path | None, seed: int) -> TunableDetector:
        """The detector as it is before it learns."""
        return DETECTORS.get(judge.plug_in).tunable(judge.model, start, self.job.device, self.classes, seed)

    def tuned(self, judge: Judge, start: Path | None, seed: int, folder: Path) -> TunableDetector:
        """The detector after it has learned, or goes on learning where it stood.

        Args:
            judge: which.
            start: the weights it starts from; None for random ones.
            seed: of random weights, batches and windows.
            folder: where the training's own folder lies.
        """
        signature = self.signature(judge, start, seed)
        out = training_folder(folder, signature)
        detector = self.detector(judge, start, seed)
        if not completed(out, signature):
            self._train(detector, f"{judge.name}, seed {seed}", out, signature)
        detector.net.load_state_dict(load_file(out / WEIGHTS))
        detector.net.eval()
        return detector

    def _train(self, detector: TunableDetector, name: str, out: Path, signature: Mapping[str, Any]) -> None:
        total, seed = self.schedule.total(len(self.part)), int(signature["seed"])
        state = begin(detector, self.schedule)
        phase = Phase(f"fine-tuning {name}", total, self._step(detector, seed), prepare=_learn)
        run_phases(state, [phase], out, signature=signature, seed=seed, progress=self.job.progress)
        tensors = {key: value.detach().cpu().contiguous() for key, value in state.modules["mean"].state_dict().items()}
        write_atomic(out / WEIGHTS, save(tensors))
        write_record(out, signature, {
            "steps": state.step, "seconds": round(state.seconds, 1), "device": self.job.device,
            "torch": torch.__version__, "n_images": len(self.part),
        })  # fmt: skip

    def _step(self, detector: TunableDetector, seed: int) -> Callable[[int, State], Mapping[str, Tensor]]:
        data = load_stack(
            self.part, self.job.spec, list(self.classes), torch.device(self.job.device), self.schedule.size,
            detector.stride,
        )  # fmt: skip
        return tuning_step(detector, data, self.schedule, seed)

    def seconds_per_step(self, judge: Judge, start: Path | None) -> float:
        """Timed on a few images; nothing is written."""
        few = self.schedule.batch
        part = FusedSet(self.part.method, self.part.files[:few], self.part.paths[:few])
        detector = self.detector(judge, start, self.job.seed)
        state = begin(detector, self.schedule)
        _learn(state)
        step = Tuning(self.job, self.schedule, self.classes, part, "")._step(detector, self.job.seed)
        return seconds_per_step(step, state, torch.device(self.job.device))


def begin(detector: TunableDetector, schedule: TuningSchedule) -> State:
    """The state before the first step: the network, the running mean of its weights, and AdamW."""
    detector.net.to(memory_format=torch.channels_last)  # an eighth of a CPU's time
    groups: list[dict[str, Any]] = split_parameters(detector.net, schedule.weight_decay, heads=())
    optimiser = torch.optim.AdamW(groups, lr=schedule.rate)
    mean = copy.deepcopy(detector.net).eval().requires_grad_(False)
    return State({"detector": detector.net, "mean": mean}, {"detector": optimiser})


def _learn(state: State) -> None:
    state.modules["detector"].train()


def tuning_step(
    detector: TunableDetector, data: BoxStack, schedule: TuningSchedule, seed: int
) -> Callable[[int, State], Mapping[str, Tensor]]:
    """The step of a phase that trains a detector on a stack, in float32 throughout.

    Args:
        detector: on the stack's device.
        data: the training set.
        schedule: sizes and rates.
        seed: of batches and windows.
    """
    batches, total = Batches(len(data), schedule.batch, seed), schedule.total(len(data))
    device = data.images.device
    canvas = (int(data.images.shape[2]), int(data.images.shape[3]))
    learned = [weight for weight in detector.net.parameters() if weight.requires_grad]

    def step(number: int, state: State) -> Mapping[str, Tensor]:
        chosen = batches.indices(number)
        known = [data.boxes[index] for index in chosen]
        windows = draw_windows(step_generator(seed, number), known, schedule, canvas, detector.stride)
        boxes = to_device(cut_boxes(known, windows), device)
        optimiser = state.optimisers["detector"]
        set_learning_rate(optimiser, schedule.learning_rate(number, total))
        with exact_arithmetic():
            images = cut_images(data.images[to_device(chosen, device)], windows)
            loss = detector.loss(images.contiguous(memory_format=torch.channels_last), boxes)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(learned, schedule.clip)
        optimiser.step()
        _follow(state.modules["mean"], detector.net, min(HELD, (1 + number) / (10 + number)))
        return {"detection_loss": loss}

    return step


@torch.no_grad()
def _follow(mean: nn.Module, net: nn.Module, held: float) -> None:
    """Moves the running mean of all weights and statistics towards the network."""
    own = net.state_dict()
    for name, value in mean.state_dict().items():
        if value.is_floating_point():
            value.lerp_(own[name], 1.0 - held)
        else:
            value.copy_(own[name])


def training_folder(folder: Path, signature: Mapping[str, Any]) -> Path:
    """The folder of this very training; those of other settings or images are dropped."""
    key = hashlib.sha256(json.dumps(signature, sort_keys=True).encode()).hexdigest()[:16]
    out = folder / f"training-{key}"
    for other in folder.glob("training-*"):
        if other != out:
            shutil.rmtree(other, ignore_errors=True)
    return out
