"""One method's job: load, retrain, predict, keep, score; each part is taken up where it was left."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PillowImage
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from bench.errors import BenchError
from bench.files import write_atomic
from bench.images import read_image
from bench.machine import in_words
from bench.plugin.kinds import SEGMENTERS
from bench.plugin.task import FusedSet, Job
from bench.train import Phase, State, completed, run_phases, write_record
from bench.train.cost import seconds_per_step
from bench.train.precision import autocast, pick_precision
from bench.train.segmenter_step import build_optimiser, segmenter_step
from bench.train.stacks import load_labelled, read_labels_of, shrink
from bench.types import PairFiles, Score
from bench.weights.backbones import backbone_digest
from tasks.segmentation.budget import Budget
from tasks.segmentation.inference import confusion_matrices, predict_multi, predict_single
from tasks.segmentation.scoring import score_rows
from tasks.segmentation.starts import WEIGHTS, joint_path, starting_weights

EVALUATION_BATCH = {"cpu": 4, "cuda": 16}


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A segmenter that is ready to be scored.

    Attributes:
        net: in eval mode, on the device.
        image_scale: it was trained on images at this share of their size.
    """

    net: nn.Module
    image_scale: float


class SegmentationJob:
    """The steps of one job."""

    def __init__(self, job: Job, budget: Budget, beside: bool = False) -> None:
        """Keeps what the steps share; nothing is read yet.

        Args:
            job: of the task.
            budget: of one segmenter.
            beside: True where another segmenter speaks; the ways of scoring of this one begin with its name.
        """
        self.job, self.budget = job, budget
        self.prefix = f"{budget.segmenter}/" if beside else ""
        self.folder = job.work_dir / self.prefix
        self.device = torch.device(job.device)
        self.classes = job.spec.classes
        self.precision = pick_precision(budget.precision, self.device)

    # ------------------------------------------------------------------ rows

    def rows(self, matrices: dict[str, NDArray[np.int64]]) -> Iterator[Score]:
        """Retrains and scores; then scores the segmenter that was trained together with the method, if there is one.

        Args:
            matrices: takes the confusion matrices by convention.
        """
        train, test = (labelled(self.job.parts[split]) for split in ("train", "test"))
        split = test.files[0].split if len(test) else "test"
        template = Score("segmentation", self.job.dataset, split, self.job.method, "", None)
        for name, part in (("training", train), ("test", test)):
            if not len(part):
                reason = f"no {name} pair of {self.job.dataset} has both a fused image and segmentation labels"
                yield Score(template.task, template.dataset, split, template.method, "mIoU", None, status="skipped",
                            reason=reason)  # fmt: skip
                return
        segmenters: list[tuple[str, Callable[[], Trained | None]]] = [(self.prefix, partial(self.retrain, train))]
        if not self.prefix:
            segmenters.append(("joint/", self.joint))
        for prefix, segmenter in segmenters:
            trained = segmenter()
            if trained is None:
                continue
            for convention, found in self.evaluate(trained, test, prefix).items():
                matrices[convention] = found
                yield from score_rows(template, convention, test.files, found, self.classes)

    # ------------------------------------------------------------------ segmenters

    def retrain(self, train: FusedSet) -> Trained:
        """A segmenter trained on this method's images with the budget that every method gets."""
        segmenter = SEGMENTERS.get(self.budget.segmenter)()
        backbone = starting_weights(self.budget, self.job)
        weights = self.budget.loss_weights(segmenter.loss_weights())
        signature = self._signature(train, backbone, weights)
        out = self._training_folder(signature)
        net, initial = segmenter.build(len(self.classes), self.job.seed, backbone)
        net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if not completed(out, signature):
            optimiser = build_optimiser(segmenter, net, self.budget.schedule)
            state = State({"segmenter": net}, {"segmenter": optimiser})
            phase = Phase(
                f"{self.budget.segmenter} on {self.job.method}", self.budget.schedule.steps,
                self._step(net, weights, train), prepare=_learn,
            )  # fmt: skip
            if self.device.type == "cuda":
                torch.backends.cudnn.benchmark = True
            run_phases(state, [phase], out, signature=signature, seed=self.job.seed, progress=self.job.progress)
            tensors = {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}
            write_atomic(out / WEIGHTS, save(tensors))
            write_record(out, signature, {
                "initial": initial, "steps": state.step, "seconds": round(state.seconds, 1),
                "device": self.job.device, "torch": torch.__version__, "images": len(train),
            })  # fmt: skip
        net.load_state_dict(load_file(out / WEIGHTS))
        return Trained(net.eval(), self.budget.schedule.image_scale)

    def _step(
        self, net: nn.Module, weights: Sequence[float], train: FusedSet
    ) -> Callable[[int, State], Mapping[str, Tensor]]:
        scale = self.budget.schedule.image_scale
        readers = [partial(read_image, path, True) for path in train.paths]
        data = load_labelled(readers, train.files, self.device, len(self.classes), scale)
        learner: Callable[..., Any] = torch.compile(net) if self.budget.compile else net
        return segmenter_step(
            learner, weights, data, self.budget.schedule, seed=self.job.seed, precision=self.precision
        )

    def estimate_cost(self) -> str:
        """Times a few steps on a few of the training images and extrapolates; nothing is written."""
        train = labelled(self.job.parts["train"])
        few = FusedSet(
            train.method, train.files[: self.budget.schedule.batch], train.paths[: self.budget.schedule.batch]
        )
        segmenter = SEGMENTERS.get(self.budget.segmenter)()
        net, _ = segmenter.build(len(self.classes), self.job.seed)
        net.to(self.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        state = State({"segmenter": net}, {"segmenter": build_optimiser(segmenter, net, self.budget.schedule)})
        seconds = seconds_per_step(
            self._step(net, self.budget.loss_weights(segmenter.loss_weights()), few), state, self.device
        )
        return (
            f"segmentation, preset {self.job.preset}, {self.budget.segmenter} on {self.job.device} ({self.precision}, "
            f"{torch.get_num_threads()} threads): {self.budget.schedule.steps} steps of {seconds:.3f} s, about "
            f"{in_words(seconds * self.budget.schedule.steps)} for every method, and the scoring"
        )

    def _signature(self, train: FusedSet, backbone: Path | None, weights: Sequence[float]) -> dict[str, Any]:
        return {
            "segmenter": self.budget.segmenter, "schedule": asdict(self.budget.schedule), "precision": self.precision,
            "seed": self.job.seed, "classes": list(self.classes), "images": files_digest(train),
            "backbone": backbone_digest(backbone), "loss_weights": list(weights),
        }  # fmt: skip

    def _training_folder(self, signature: Mapping[str, Any]) -> Path:
        """The folder of this very training; those of other settings or images are dropped."""
        key = hashlib.sha256(json.dumps(signature, sort_keys=True).encode()).hexdigest()[:16]
        out = self.folder / f"training-{key}"
        for other in self.folder.glob("training-*"):
            if other != out:
                shutil.rmtree(other, ignore_errors=True)
        return out

    def joint(self) -> Trained | None:
        """The segmenter that was trained together with the method; it lies beside the method's weights."""
        path = joint_path(self.job)
        if path is None:
            return None
        try:
            with safe_open(path, framework="pt") as file:
                facts = file.metadata() or {}
            tensors = load_file(path)
        except (OSError, SafetensorError) as error:
            raise BenchError(f"{path}: not a readable safetensors file ({error}); train the method again") from error
        if facts.get("classes") != str(len(self.classes)):
            raise BenchError(
                f"{path}: trained for {facts.get('classes')} classes, {self.job.dataset} has {len(self.classes)}; "
                "train the method on this data set, or remove the file"
            )
        net, _ = SEGMENTERS.get(facts["segmenter"])().build(len(self.classes), 0)
        net.load_state_dict(tensors)
        net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return Trained(net.eval(), float(facts["image_scale"]))

    # ------------------------------------------------------------------ evaluation

    @torch.inference_mode()
    def evaluate(self, trained: Trained, test: FusedSet, prefix: str) -> dict[str, NDArray[np.int64]]:
        """Convention -> confusion matrices of the test images (N, classes, classes); predictions are written."""
        predictors = {"single_scale": predict_single}
        if self.budget.multi_scale:
            predictors["multi_scale"] = predict_multi
        found = {
            f"{prefix}{name}": np.zeros((len(test), len(self.classes), len(self.classes)), np.int64)
            for name in predictors
        }
        precision = "bfloat16" if self.job.precision == "fast" else "float32"
        for indices, images, truth in self._test_batches(test, trained.image_scale):
            size = (truth.shape[-2], truth.shape[-1])
            for name, predict in predictors.items():
                with autocast(precision, self.device, images.shape[-2:]):
                    predicted = predict(trained.net, images, size)
                matrices = confusion_matrices(truth, predicted, len(self.classes))
                found[f"{prefix}{name}"][indices] = matrices.cpu().numpy()
                self._write_predictions(f"{prefix}{name}", [test.files[index] for index in indices], predicted)
            if self.job.progress is not None:
                self.job.progress(f"{prefix}scoring {self.job.method}", indices[-1] + 1, len(test))
        return found

    def _test_batches(self, test: FusedSet, scale: float) -> Iterator[tuple[list[int], Tensor, Tensor]]:
        """Runs of images of one size: numbers, shrunk images (B, 3, h, w) in [0, 1], labels (B, H, W) in full size."""
        batch: list[tuple[int, Tensor, Tensor]] = []
        for index, fused in enumerate(test):
            truth = torch.from_numpy(read_labels_of(fused.pair, len(self.classes), fused.image.shape[:2]))
            image = torch.from_numpy(np.ascontiguousarray(shrink(fused.image, scale).transpose(2, 0, 1)))
            if batch and (batch[0][2].shape != truth.shape or len(batch) == EVALUATION_BATCH[self.device.type]):
                yield self._stacked(batch)
                batch = []
            batch.append((index, image, truth))
        if batch:
            yield self._stacked(batch)

    def _stacked(self, batch: Sequence[tuple[int, Tensor, Tensor]]) -> tuple[list[int], Tensor, Tensor]:
        indices, images, truths = zip(*batch, strict=True)
        return list(indices), torch.stack(images).to(self.device).float() / 255, torch.stack(truths).to(self.device)

    def _write_predictions(self, convention: str, files: Sequence[PairFiles], predicted: Tensor) -> None:
        folder = self.job.work_dir / "predictions" / convention
        for item, classes in zip(files, predicted.to(torch.uint8).cpu().numpy(), strict=True):
            picture = PillowImage.fromarray(classes)
            picture.putpalette([level for colour in self.job.spec.palette for level in colour])
            buffer = io.BytesIO()
            picture.save(buffer, "PNG")
            write_atomic(folder / f"{item.id}.png", buffer.getvalue())

    def keep_matrices(self, test: FusedSet, matrices: Mapping[str, NDArray[np.int64]]) -> None:
        """``confusion.npz``: ``pairs``, ``classes`` and per convention (``/`` as ``.``) int64 (N, classes, classes)."""
        arrays = {convention.replace("/", "."): found for convention, found in matrices.items()}
        pairs, classes = np.array([item.id for item in test.files]), np.array(self.classes)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, pairs=pairs, classes=classes, **arrays)  # type: ignore[arg-type]
        write_atomic(self.job.work_dir / "confusion.npz", buffer.getvalue())


def all_rows(job: Job, budgets: Sequence[Budget]) -> Iterator[Score]:
    """The rows of every segmenter, the first of which speaks; then keeps the confusion matrices of all."""
    matrices: dict[str, NDArray[np.int64]] = {}
    jobs = [SegmentationJob(job, budget, beside=place > 0) for place, budget in enumerate(budgets)]
    for one in jobs:
        yield from one.rows(matrices)
    if matrices:
        jobs[0].keep_matrices(labelled(job.parts["test"]), matrices)


def _learn(state: State) -> None:
    state.modules["segmenter"].train()


def labelled(part: FusedSet) -> FusedSet:
    """The images whose pairs have labels."""
    kept = [index for index, item in enumerate(part.files) if item.label_path is not None]
    files, paths = tuple(part.files[index] for index in kept), tuple(part.paths[index] for index in kept)
    return FusedSet(part.method, files, paths)


def files_digest(part: FusedSet) -> str:
    """Digest of the fused images and labels of a part, over their bytes."""
    digest = hashlib.sha256()
    for item, path in zip(part.files, part.paths, strict=True):
        digest.update(item.id.encode() + path.read_bytes())
        if item.label_path is not None:
            digest.update(item.label_path.read_bytes())
    return digest.hexdigest()
