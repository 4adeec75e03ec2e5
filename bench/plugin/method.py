"""What a fusion method is: the one small class that an adapter in ``methods/`` fills in.

The line between "the method" and "the harness" is the design. The harness (``bench/fusion/harness.py``) reads files,
converts colour, pads, batches, seeds, times, rounds and saves, identically for all methods; an adapter computes.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, cast, runtime_checkable

from bench.types import PairFiles, Way

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from bench.plugin.proof import Record

Reader = Literal[
    "luma", "luma_uint8", "luma_scipy", "luma_l15", "luma_y14", "luma_png15", "luma_floor", "luma_rint", "luma_video",
    "red",
]  # fmt: skip
Merge = Literal[
    "add_luma", "float_ycrcb", "cv2_crcb_float", "video", "ycbcr3", "ycbcr6", "pil_ycbcr", "cv2_ycrcb", "cv2_hsv"
]
Rounding = Literal["nearest", "truncate", "even", "nearest_down", "wrap"]
Preset = Literal["smoke", "quick", "paper"]

NOT_STATED = "not stated"
"""In ``MethodInfo.trained_on``: neither paper nor code says what the published weights learned from."""


@dataclass(frozen=True, slots=True)
class ImageStyle:
    """How images become the method's input and its output becomes an image; carried out by the harness.

    Readers and merges are functions of ``bench/colour.py`` with the same names, where their formulas stand.

    Attributes:
        reader: how the visible luma is made. ``luma``: 0.299 R + 0.587 G + 0.114 B in float, not rounded;
            ``luma_uint8``: rounded as Pillow's ``convert("L")``; ``luma_l15``: as OpenCV's grey; ``luma_y14``: as Y of
            OpenCV's YCrCb; ``luma_png15``: as OpenCV reads a colour PNG in grey; ``luma_rint``: as OpenCV's grey of a
            float image, rounded; ``luma_floor``: the float luma, truncated; ``luma_scipy``: as
            ``scipy.misc.imread(flatten=True, mode="YCbCr")``; ``luma_video``: PIAFusion's; ``red``: the red channel.
        ir_reader: the same for the infrared image; None is ``luma_scipy`` beside ``luma_scipy``, else ``luma_uint8``.
        merge: how a fused luma becomes RGB. In floats, before stretch and rounding: ``add_luma``, ``vis + (fused -
            luma)``, the same as replacing Y; ``float_ycrcb`` (SeAFusion), ``cv2_crcb_float`` (SAGE), ``video``
            (PIAFusion), ``ycbcr3`` (GIFNet, MUFusion), ``ycbcr6`` (LUT-Fuse). In 8 bits, after them: ``pil_ycbcr``,
            ``cv2_ycrcb``, ``cv2_hsv``, with the chroma that Pillow or OpenCV make of the visible image.
        stretch: ``min_max`` maps the image's own minimum and maximum to 0 and 255 (over all written channels
            jointly), as ``scipy.misc.imsave`` did with float arrays; ``none`` takes 0 to 1 as 0 to 255.
        stretch_epsilon: added to the span of ``min_max``, on the scale of the method's output.
        rounding: ``nearest`` is floor(x + 0.5); ``truncate`` drops the fraction; ``even`` and ``nearest_down`` round
            exact halves to even and down; all these clip to 0..255 first. ``wrap`` drops the fraction towards zero and
            takes the integer modulo 256.
        arithmetic: precision of scaling, stretch and rounding of the output; ``single`` is float32, as scripts that
            stay in PyTorch have it, which decides where a stretched and truncated value lies next to an integer.
    """

    reader: Reader = "luma"
    merge: Merge = "add_luma"
    stretch: Literal["none", "min_max"] = "none"
    rounding: Rounding = "nearest"
    ir_reader: Reader | None = None
    stretch_epsilon: float = 0.0
    arithmetic: Literal["double", "single"] = "double"


@dataclass(frozen=True, slots=True)
class Padding:
    """How a method's program pads images before its network and crops them again; carried out by the harness.

    Attributes:
        multiple: of which height and width become multiples.
        mode: of ``numpy.pad``: ``reflect`` mirrors without the edge pixel, ``symmetric`` with it, ``edge`` repeats it;
            ``zero`` is black.
        always: a size that is a multiple already gets a whole multiple more.
        side: ``end`` pads at the right and bottom, ``both`` half of it (rounded down) at the left and top.
    """

    multiple: int
    mode: Literal["reflect", "symmetric", "edge", "zero"] = "reflect"
    always: bool = False
    side: Literal["end", "both"] = "end"


PLAIN = ImageStyle()
"""The way that is the same for all methods: float luma, no stretch, rounding to nearest."""


@dataclass(frozen=True, slots=True)
class WeightFile:
    r"""One published file of weights.

    Attributes:
        path: below the weights root, as the authors published it, e.g. ``SeAFusion/SeAFusion.pth``.
        url: direct address pinned to a commit, or empty where none exists.
        sha256: hexadecimal digest, or empty where only ``git_blob`` is known.
        git_blob: git blob id, ``sha1("blob <size>\0" + bytes)``.
        size: bytes, 0 where unknown.
        licence: of the file; empty means none was given, so it is never redistributed.
    """

    path: str
    url: str = ""
    sha256: str = ""
    git_blob: str = ""
    size: int = 0
    licence: str = ""


@dataclass(frozen=True, slots=True)
class MethodInfo:
    """What a table, a report and a licence check need to know of a method.

    Attributes:
        title: as the paper writes it.
        year: of the paper.
        paper: ``doi:...`` or an address.
        licence: of this implementation's source, or the authors' terms where they matter.
        kind: ``learned``, ``classical`` or ``reference`` (a source passed through).
        weights: the authors' files, in the order that ``Method.convert`` takes them; empty where none are needed.
        trained_on: data sets the authors' weights were trained on, by our names where we have them (``mfnet``,
            ``tno``...), or ``NOT_STATED``; the report marks in-domain results.
        notes: one line a reader of the table should know.
        proof: what the port was compared with and how close it came; filled in from ``_proofs`` when the method is
            looked up (``METHODS.get``), see ``bench/plugin/proof.py``.
    """

    title: str
    year: int
    paper: str
    licence: str
    kind: Literal["learned", "classical", "reference"] = "learned"
    weights: tuple[WeightFile, ...] = ()
    trained_on: tuple[str, ...] = ()
    notes: str = ""
    proof: Record | None = None

    @property
    def learned_from(self) -> str:
        """``trained_on`` in words; a learned method that names no set says so, others learn nothing."""
        return ", ".join(self.trained_on) or (NOT_STATED if self.kind == "learned" else "nothing")


@dataclass(frozen=True, slots=True)
class Variant:
    """Another form of a method that its authors published: other weights, another rule, another script.

    It is asked for as ``NAME:VARIANT`` and stands in tables and folders as ``NAME-VARIANT``.

    Attributes:
        name: lower-case letters, digits and underscores.
        title: as the paper names it.
        weights: its own files; None for the method's.
        trained_on: its own; None for the method's.
        notes: its own; None for the method's.
        settings: class attributes of the method that differ, e.g. ``{"published": ImageStyle(...)}``.
    """

    name: str
    title: str
    weights: tuple[WeightFile, ...] | None = None
    trained_on: tuple[str, ...] | None = None
    notes: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


class Method(ABC):
    """A fusion method: two registered images in, one out. Subclass it in ``methods/<name>.py``.

    Required: ``name`` (the file's stem), ``info``, ``fuse``; learned methods also ``__init__`` (build the network,
    load ``weights``) and, if the authors published weights, ``convert``.

    Hold a torch module (``self.net``), never be one. The harness moves every module held in an attribute to the
    device, to eval mode and to channels-last.

    Attributes:
        name: lower case, the paper's own name, equal to the file's stem.
        info: facts for tables and licences.
        space: ``luma``: ``fuse`` gets and gives luma (B, 1, H, W), the harness puts the visible chroma back;
            ``rgb``: (B, 3, H, W) both, grey sources replicated; ``rgb_to_luma``: infrared luma (B, 1, H, W) and visible
            RGB (B, 3, H, W) in, fused luma (B, 1, H, W) out.
        multiple: height and width are padded (reflected, at the right and bottom) to a multiple of this and cropped
            again.
        padding: another rule than ``multiple``'s.
        whole: statistics, windows or the order of values in memory span the whole image: such a method is never padded
            by ``multiple``, cut in strips or batched.
        layout: ``contiguous`` forbids the channels-last layout in memory.
        radius: how many pixels around a pixel its result depends on, where that is few: very large images are then
            fused in strips. None: unknown, or the whole image.
        smallest: fewer pixels a side are refused.
        clips: its output leaves [0, 1] by design and is clipped (or wraps, by the style's rounding).
        working_size: height and width that its authors resize all images to; a run fuses images at their own size. At
            this one (in a proof) ``vis`` of ``rgb_to_luma`` holds six planes: those that Pillow resized for the
            network, then those that OpenCV resized for the colours.
        dtype: ``float32`` or ``float64``, of the tensors given to ``fuse``.
        batched: False asks for one pair at a time.
        stochastic: True if ``fuse`` draws random numbers; the harness seeds before every pair.
        published: the authors' way of reading and writing; ``PLAIN`` where they have none of their own.
        reads_way: True if ``fuse`` itself computes differently in the two ways.
        way: set by the harness before the first call; read it only where the authors' arithmetic differs.
        variants: other published forms, each a class of its own that ``METHODS.get("NAME:VARIANT")`` makes.
        variant: of such a class, its name; empty for the method itself.
        ablations: names that ``bench train --ablation`` takes.
    """

    name: ClassVar[str]
    info: ClassVar[MethodInfo]
    space: ClassVar[Literal["luma", "rgb", "rgb_to_luma"]] = "luma"
    multiple: ClassVar[int] = 1
    padding: ClassVar[Padding | None] = None
    whole: ClassVar[bool] = False
    layout: ClassVar[Literal["any", "contiguous"]] = "any"
    radius: ClassVar[int | None] = None
    smallest: ClassVar[int] = 1
    clips: ClassVar[bool] = False
    working_size: ClassVar[tuple[int, int] | None] = None
    dtype: ClassVar[Literal["float32", "float64"]] = "float32"
    batched: ClassVar[bool] = True
    stochastic: ClassVar[bool] = False
    published: ClassVar[ImageStyle] = PLAIN
    reads_way: ClassVar[bool] = False
    variants: ClassVar[tuple[Variant, ...]] = ()
    variant: ClassVar[str] = ""
    ablations: ClassVar[tuple[str, ...]] = ()
    way: Way = "published"

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:  # noqa: ARG002 - for subclasses
        """Builds the method.

        Args:
            weights: a safetensors file with the tensors that ``convert`` or ``train`` made; None builds seeded
                random weights (for tests: a run never does this silently).
            device: a torch device, e.g. ``cpu`` or ``cuda:0``.
        """
        self.device = device

    @abstractmethod
    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses a batch.

        Args:
            ir: float in [0, 1], (B, 1, H, W), or (B, 3, H, W) for ``space="rgb"``.
            vis: the same shape, or (B, 3, H, W) for ``"rgb_to_luma"``.

        Returns:
            The fused batch, shape and dtype of ``ir``; 0 to 1 is black to white. Values a little outside are clipped,
            or stretched where ``published`` says so. The inputs must not be changed.
        """

    @classmethod
    def convert(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """Reads the authors' files (``info.weights``, in that order) into the tensors ``__init__`` loads.

        Raises:
            NotImplementedError: the method has no published weights.
            BenchError: a file is not what the authors published (names or shapes of tensors).
        """
        raise NotImplementedError(f"{cls.name} has no published weights to convert")

    def modules(self) -> dict[str, nn.Module]:
        """The torch modules held in attributes, by attribute name."""
        from torch import nn

        return {key: value for key, value in vars(self).items() if isinstance(value, nn.Module)}


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """All that a training needs; two equal requests give the same weights on the same machine.

    Attributes:
        dataset: ``NAME`` or ``NAME:SUBSET`` of the data set.
        pairs: its training part, in listing order.
        preset: schedule size; ``paper`` is the published protocol.
        out: folder for checkpoints, logs and the result; what is there from an interrupted training is resumed.
        recipe: one of the adapter's named recipes; empty for its default.
        ablation: one of the adapter's named ablations; empty for none.
        device: torch device.
        seed: of everything random.
        stop_after: stop (resumably) after this many optimiser steps of the whole schedule; for tests and time limits.
        progress: called with (what, done, total).
        options: further settings by name, as text; an unknown one is an error.
        precision: ``float32`` throughout, or ``auto``: bfloat16 where the device computes it natively.
        classes: names of the data set's segmentation classes, in order of their ids; empty where it has none.
        weights_root: folder of published weights, backbones among them, if given.
        pretrained: the only folder where pretrained files are taken from, if given: a run's, the same for all workers.
    """

    dataset: str
    pairs: tuple[PairFiles, ...]
    preset: Preset
    out: Path
    recipe: str = ""
    ablation: str = ""
    device: str = "cpu"
    seed: int = 0
    stop_after: int | None = None
    progress: Callable[[str, int, int], None] | None = None
    options: tuple[tuple[str, str], ...] = ()
    precision: Literal["auto", "float32"] = "auto"
    classes: tuple[str, ...] = ()
    weights_root: Path | None = None
    pretrained: Path | None = None


@runtime_checkable
class Trainable(Protocol):
    """A method class that can be trained here; ask with ``isinstance(cls, Trainable)``.

    A class method ``estimate_cost(request) -> str`` may say in words what a training would cost on this machine, and
    ``starts_from(request) -> Mapping[str, Path | None]`` which pretrained files it starts from, by name; None stands
    for a random start.
    """

    @classmethod
    def train(cls, request: TrainRequest) -> Path:
        """Trains; returns the safetensors file that the constructor loads, ``request.out / "weights.safetensors"``."""
        ...


class Trainer(Protocol):
    """What trains one method, e.g. a module of ``methods/_training``."""

    def train(self, request: TrainRequest) -> Path:
        """See ``Trainable.train``."""
        ...

    def estimate_cost(self, request: TrainRequest) -> str:
        """See ``Trainable``."""
        ...

    def phases(self, request: TrainRequest) -> tuple[Sequence[Any], Any]:
        """Its steps (``bench.train.Phase``) and their state, ready to run; nothing is written."""
        ...


class TrainableMethod(Method):
    """A method that one trainer trains.

    Attributes:
        trained_by: a module that is a ``Trainer``, or ``module:NAME``; imported when a training is asked for.
        unlabelled: the ablation that learns from pairs without labels; empty if the paper's loss needs none.
    """

    trained_by: ClassVar[str]
    unlabelled: ClassVar[str] = ""

    @classmethod
    def trainer(cls) -> Trainer:
        """What ``trained_by`` names."""
        module, _, name = cls.trained_by.partition(":")
        found: Any = importlib.import_module(module)
        return cast(Trainer, getattr(found, name) if name else found)

    @classmethod
    def train(cls, request: TrainRequest) -> Path:
        """Trains; see ``Trainable.train``."""
        return cls.trainer().train(request)

    @classmethod
    def estimate_cost(cls, request: TrainRequest) -> str:
        """Measures a few steps and says in words what the training would cost on this machine."""
        return cls.trainer().estimate_cost(request)

    @classmethod
    def built_on(cls, request: TrainRequest) -> Sequence[str]:
        """Modules outside the trainer's package that a training depends on, e.g. a segmenter's."""
        modules = getattr(cls.trainer(), "built_on", None)
        return modules(request) if modules else ()

    @classmethod
    def starts_from(cls, request: TrainRequest) -> Mapping[str, Path | None]:
        """Pretrained files by name that a training starts from; None stands for a random start."""
        starts = getattr(cls.trainer(), "starts_from", None)
        return starts(request) if starts else {}


def torch_dtype(method: Method | type[Method]) -> torch.dtype:
    """The torch dtype of the tensors that ``method.fuse`` takes."""
    import torch

    return torch.float64 if method.dtype == "float64" else torch.float32
