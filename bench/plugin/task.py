"""What a task runner is: it takes one method's fused images and the truth, and yields scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from bench.errors import BenchError
from bench.types import Fused, PairFiles, Score
from bench.types import Number as Number  # part of what a task is written with

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from bench.data.spec import DatasetSpec
    from bench.train.segmenter_schedule import SegmenterSchedule


@dataclass(frozen=True, slots=True)
class FusedSet(Sequence[Fused]):
    """One method's fused images of one part of a data set, read on demand.

    Attributes:
        method: the method's label.
        files: the pairs, in listing order; only those whose fused image is finished.
        paths: the fused PNG of each.
    """

    method: str
    files: tuple[PairFiles, ...]
    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Fused:  # type: ignore[override]
        from bench.images import read_image

        return Fused(self.method, self.files[index], read_image(self.paths[index], colour=True))

    def __iter__(self) -> Iterator[Fused]:
        return (self[index] for index in range(len(self)))


@dataclass(frozen=True, slots=True)
class Job:
    """One task on one method and data set.

    Attributes:
        dataset: name; ``spec`` holds its classes and palette.
        method: the method's label.
        parts: the fused parts by name (``train``, ``test``...), as ``Task.splits`` asks.
        work_dir: kept between attempts and after the run: checkpoints, predictions, confusion matrices.
        preset: schedule size, ``smoke``, ``quick`` or ``paper``.
        weights: the method's weights file, if any; a jointly trained segmenter lies beside it.
        seen: (part, name) of pairs that the method's weights were trained on; None where that is not known.
        weights_root: folder of published weights, if given.
        progress: called with (what, done, total).
        options: ``--option task.name=value`` settings meant for this task.
        load: builds the method as the run fuses with it (``bench.fusion.harness.Fuser``), for tasks that measure it;
            None for a folder of ready images.
        train_precision: ``auto`` or ``float32``, of what the task trains.
        pretrained: the only folder where pretrained files are taken from, if given: a run's, the same for all workers.
        engine: of the fusion metrics, for tasks that compute them.
        key: changes whenever anything that the scores depend on does; what a task kept in ``work_dir`` under the same
            key may be used again.
    """

    dataset: str
    spec: DatasetSpec
    method: str
    parts: dict[str, FusedSet]
    work_dir: Path
    preset: str
    seed: int
    device: str
    precision: Literal["exact", "fast"] = "exact"
    weights: Path | None = None
    seen: frozenset[tuple[str, str]] | None = None
    weights_root: Path | None = None
    progress: Callable[[str, int, int], None] | None = None
    options: dict[str, str] = field(default_factory=dict)
    load: Callable[[], Any] | None = None
    train_precision: str = "auto"
    pretrained: Path | None = None
    engine: str = "auto"
    key: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """How a run was asked to evaluate a task.

    Attributes:
        preset: schedule size.
        options: ``--option task.name=value`` settings meant for this task.
        device: torch device.
        weights_root: folder of published weights, if given.
        train_precision: ``auto`` or ``float32``, of what the task trains.
        pretrained: the only folder where pretrained files are taken from, if given: a run's, the same for all workers.
    """

    preset: str
    options: Mapping[str, str]
    device: str
    weights_root: Path | None = None
    train_precision: str = "auto"
    pretrained: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Resampler:
    """Set-level numbers of any choice of images, for confidence intervals.

    Attributes:
        pairs: the images, by pair name.
        numbers: (metric, label, convention) of each number, as in the score table.
        statistic: takes int64 (B, images), how often each image is drawn in each of B draws; returns float64
            (numbers, B), NaN where a draw has no such number.
        part: which images, where a task offers several choices, such as ``unseen``; empty for all.
        reason: why there are no pairs in this part; empty if there are.
        runs: the same numbers of each of several trainings, of which ``statistic`` is the mean; empty where there was
            one, or none.
    """

    pairs: tuple[str, ...]
    numbers: tuple[tuple[str, str, str], ...]
    statistic: Callable[[NDArray[np.int64]], NDArray[np.float64]]
    part: str = ""
    reason: str = ""
    runs: tuple[Callable[[NDArray[np.int64]], NDArray[np.float64]], ...] = ()


class Task(ABC):
    """A set-level evaluation of one method on one data set, in ``tasks/<name>/``.

    Attributes:
        name: of the package in ``tasks/`` and of the ``task`` column.
        title: for people; ``name`` where empty.
        about: one sentence: what is measured, how, and which way is better.
        truth: what a pair must carry for it, ``labels``, ``boxes`` or a word of the task's own (then ``has_truth`` says
            which pairs do); empty for none.
        splits: which parts must be fused first; empty for the part that is scored.
        runs: ``always`` where there is truth; ``preset`` only if a preset is given or the task is named (it is long);
            ``named`` only if it is named.
        needs_method: True if ready images will not do, because the method itself is measured.
        alone: True if nothing else may run beside it, here, with all the cores (it measures time).
        contends: False if a source passed through is shown and not ranked, since the task compares with the sources.
        numbers: what it yields, headlines first.
        ways: way of scoring (a part of the column ``convention``) -> what it is, in words; the first is shown first.
        controls: label -> what it is, in a sentence: rows that merge what was decided on each source alone, without a
            fused image; made by ``run_control`` where a run holds both sources.
        options: names of its settings, ``--option NAME.OPTION=VALUE``.
    """

    name: ClassVar[str]
    title: ClassVar[str] = ""
    about: ClassVar[str] = ""
    truth: ClassVar[str]
    splits: ClassVar[tuple[str, ...]]
    runs: ClassVar[Literal["always", "preset", "named"]] = "always"
    needs_method: ClassVar[bool] = False
    alone: ClassVar[bool] = False
    contends: ClassVar[bool] = True
    numbers: ClassVar[tuple[Number, ...]] = ()
    ways: ClassVar[Mapping[str, str]] = {}
    controls: ClassVar[Mapping[str, str]] = {}
    options: ClassVar[tuple[str, ...]] = ()

    def has_truth(self, files: PairFiles) -> bool:
        """True if a pair carries what the task compares with."""
        paths = {"labels": files.label_path, "boxes": files.boxes_path}
        return not self.truth or paths.get(self.truth) is not None

    @abstractmethod
    def check(self) -> None:
        """Raises BenchError with the install command when an optional package or a weights file is missing."""

    def warm(self) -> None:
        """Compiles ahead what the task and its draws would compile when first used; ``bench doctor --warm`` asks."""
        return

    def splits_for(self, options: Mapping[str, str]) -> tuple[str, ...]:  # noqa: ARG002 - for subclasses
        """The parts that must be fused first under these settings; ``splits`` unless a setting asks for more."""
        return self.splits

    def stands_beside(self, options: Mapping[str, str]) -> tuple[str, ...]:  # noqa: ARG002 - for subclasses
        """Methods by name that a run evaluates beside those asked for, since every one must be seen against them."""
        return ()

    def judges(self, options: Mapping[str, str]) -> tuple[str, ...]:  # noqa: ARG002 - for subclasses
        """The models that judge the images, by name, the one that speaks first; others' ways begin with their name."""
        return ()

    def about_under(self, options: Mapping[str, str]) -> str:  # noqa: ARG002 - for subclasses
        """``about`` under these settings."""
        return self.about

    def ready(self, options: Mapping[str, str], weights_root: Path | None) -> None:  # noqa: ARG002 - for subclasses
        """Asked only of a task that nobody named: raises BenchError where files are missing, so that it is left out.

        Args:
            options: the task's settings.
            weights_root: folder of published weights, if given.
        """
        return

    def lacks(self, spec: DatasetSpec) -> str:  # noqa: ARG002 - for subclasses
        """What a data set's description lacks for this task, in words; empty if nothing."""
        return ""

    @abstractmethod
    def run(self, job: Job) -> Iterable[Score]:
        """Yields the scores; may be interrupted and called again with the same ``work_dir``, and then resumes."""

    def run_control(self, job: Job, sources: Mapping[str, Job]) -> Iterable[Score]:
        """Yields the scores of a control, and leaves in its ``work_dir`` what ``resamplers`` reads there.

        Args:
            job: of the control, which ``job.method`` names; its parts are those of the visible images.
            sources: the finished jobs of ``visible`` and ``infrared``.
        """
        raise NotImplementedError(f"{type(self).__name__} names the control {job.method} of {list(sources)}, has none")

    @abstractmethod
    def fingerprint(self, job: Job) -> str:
        """A short text that changes whenever the same fused images would get other scores (settings, code version)."""

    def built_on(self, job: Job) -> Sequence[str]:  # noqa: ARG002 - for subclasses
        """Modules beside the task's package that its scores come from, e.g. a detector's; edited, it is done again."""
        return ()

    def estimate_cost(self, job: Job) -> str:  # noqa: ARG002 - for subclasses
        """Says in words what one method's job would cost on this machine; empty for a short task. Writes nothing."""
        return ""

    def facts(self, setting: Setting) -> dict[str, object]:  # noqa: ARG002 - for subclasses
        """What the manifest says of the task's settings: models, their weights, schedules; plain JSON values."""
        return {}

    def starts_from(self, setting: Setting) -> Mapping[str, Path | None]:  # noqa: ARG002 - for subclasses
        """Pretrained files by name that a run is to keep for all its workers; None stands for a random start."""
        return {}

    def resampler(self, work_dir: Path, files: Sequence[PairFiles], spec: DatasetSpec) -> Resampler | None:  # noqa: ARG002 - for subclasses
        """What is needed to score other choices of the same images again; None if the task keeps nothing for it.

        Args:
            work_dir: of a finished job.
            files: the pairs of the scored part.
            spec: of the data set.
        """
        return None

    def resamplers(self, work_dir: Path, files: Sequence[PairFiles], spec: DatasetSpec) -> Sequence[Resampler]:
        """Those of several parts of the images, the one that speaks for the task first; arguments as ``resampler``."""
        found = self.resampler(work_dir, files, spec)
        return () if found is None else (found,)


class Segmenter(ABC):
    """A semantic segmenter that the segmentation task retrains; in ``tasks/segmentation/segmenters/<name>.py``.

    Attributes:
        name: the file's stem.
        summary: one line for tables.
        takes_backbone: whether ``build`` makes use of ``backbone``.
        backbone_files: pattern of files below the weights root that may be the backbone, which a user put there: they
            are never fetched, for they are not free. Empty: ImageNet weights of ResNet-18.
        normalisation: what the network does to images in [0, 1] first, in words; the same for all methods.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    takes_backbone: ClassVar[bool] = True
    backbone_files: ClassVar[str] = ""
    normalisation: ClassVar[str] = ""

    @abstractmethod
    def build(self, classes: int, seed: int, backbone: Path | None = None) -> tuple[nn.Module, str]:
        """Returns the network, (B, 3, H, W) in [0, 1] -> tuple of logits (B, classes, H, W), main output first, and
        where its initial weights come from (``ImageNet ...`` or ``random``), for the manifest. ``backbone`` is a file
        of ImageNet weights of ResNet-18, as torchvision publishes it, or one of ``backbone_files``, if one is at hand.
        """  # noqa: D205

    def schedule(self, asked: SegmenterSchedule) -> SegmenterSchedule:
        """The preset's schedule with what this kind of network needs changed in it; the same for all methods."""
        return asked

    @abstractmethod
    def loss_weights(self) -> tuple[float, ...]:
        """The weight of each output in the training loss."""

    @abstractmethod
    def parameter_groups(self, net: nn.Module, weight_decay: float) -> list[dict[str, object]]:
        """Optimiser groups: ``params``, ``weight_decay`` and ``lr_scale``."""


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """The boxes found in one image.

    Attributes:
        boxes: float32 (N, 4), x1 y1 x2 y2 in pixels.
        scores: float32 (N,), 0 to 1, falling.
        classes: int64 (N,), COCO ids (0 person, 2 car).
    """

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray


class Detector(ABC):
    """An object detector; in ``tasks/detection/detectors/<name>.py``.

    Attributes:
        name: the file's stem.
        summary: one line for tables.
        sample: a small model that ``tunable`` builds without weights, for ``bench check``; empty if it trains none.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    sample: ClassVar[str] = ""

    @abstractmethod
    def __init__(self, model: str, weights_root: Path | None, device: str) -> None:
        """Loads a model by name or file, e.g. ``yolov5n``."""

    @abstractmethod
    def detect(self, images: Tensor, classes: Sequence[int] | None = None) -> list[Detections]:
        """Finds boxes in a batch of images.

        Args:
            images: float32 RGB (B, 3, H, W) in [0, 1].
            classes: COCO ids wanted; any limit on the number of boxes counts only these. None wants all.

        Returns:
            The boxes of each image.
        """

    @classmethod
    def tunable(
        cls,
        model: str,
        weights: Path | None,  # noqa: ARG003 - for subclasses
        device: str,  # noqa: ARG003
        classes: Mapping[int, str],  # noqa: ARG003
        seed: int,  # noqa: ARG003
    ) -> TunableDetector:
        """A model that can be trained on, with an output for each class.

        Args:
            model: name or file.
            weights: the file it starts from; None for random weights.
            device: torch device.
            classes: what it shall find, by id.
            seed: of all that is random.

        Raises:
            BenchError: this detector cannot be trained here.
        """
        raise BenchError(
            f"detector {cls.name!r}, which runs {model}, cannot be fine-tuned here; give one of the ultralytics "
            "package with --option detection.model=yolov5nu"
        )


class TunableDetector(Detector):
    """A detector whose network can be trained; what ``Detector.tunable`` gives.

    Attributes:
        net: what learns, and what ``detect`` looks with; float32.
        stride: sides of the images that it learns from are multiples of this.
    """

    net: nn.Module
    stride: int

    @abstractmethod
    def loss(self, images: Tensor, boxes: Tensor) -> Tensor:
        """The training loss of a batch, with ``net`` in train mode.

        Args:
            images: float32 RGB (B, 3, H, W) in [0, 1], sides multiples of ``stride``.
            boxes: float32 (N, 6): place in the batch, place of the class in ``classes`` of ``tunable``, centre x,
                centre y, width, height as shares of the image.

        Returns:
            A scalar; the mean over the images, or nearly so.
        """
