"""What a fusion method is: the one small class that an adapter in ``methods/`` fills in.

The line between "the method" and "the harness" is the design. The harness (``bench/fuse/harness.py``) reads files,
converts colour, pads, batches, seeds, times, rounds and saves, identically for all methods; an adapter computes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, runtime_checkable

from bench.types import PairFiles, Way

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Reader = Literal["luma", "luma_uint8", "luma_scipy"]
Merge = Literal["add_luma", "float_ycrcb", "pil_ycbcr"]
Preset = Literal["smoke", "quick", "paper"]


@dataclass(frozen=True, slots=True)
class ImageStyle:
    """How images become the method's input and its output becomes an image; carried out by the harness.

    Attributes:
        reader: how luma is made. ``luma``: 0.299 R + 0.587 G + 0.114 B in float, not rounded; ``luma_uint8``: the same
            rounded to 0..255 as Pillow's ``convert("L")``; ``luma_scipy``: ``scipy.misc.imread(flatten=True,
            mode="YCbCr")`` of SciPy < 1.2, which loses one level at 22 grey values of files stored as RGB.
        merge: how a fused luma becomes RGB. ``add_luma``: ``vis + (fused - luma)`` in float, the same as replacing Y;
            ``float_ycrcb``: rounded BT.601 matrices in float before stretch and rounding (SeAFusion); ``pil_ycbcr``:
            the rounded fused luma with Pillow's Cb and Cr of the visible image.
        stretch: ``min_max`` maps the image's own minimum and maximum to 0 and 255 (over all written channels
            jointly), as ``scipy.misc.imsave`` did with float arrays; ``none`` clips to [0, 1].
        rounding: ``nearest`` is floor(x + 0.5); ``truncate`` drops the fraction.
    """

    reader: Reader = "luma"
    merge: Merge = "add_luma"
    stretch: Literal["none", "min_max"] = "none"
    rounding: Literal["nearest", "truncate"] = "nearest"


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
            ``tno``...); the report marks in-domain results.
        notes: one line a reader of the table should know.
        agreement: how closely this port reproduces images that its authors published, as ``bench verify-methods``
            measured; says so where it could not be measured.
    """

    title: str
    year: int
    paper: str
    licence: str
    kind: Literal["learned", "classical", "reference"] = "learned"
    weights: tuple[WeightFile, ...] = ()
    trained_on: tuple[str, ...] = ()
    notes: str = ""
    agreement: str = ""


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
            ``rgb``: (B, 3, H, W) both, grey sources replicated.
        multiple: height and width are padded (reflected) to a multiple of this and cropped again.
        dtype: ``float32`` or ``float64``, of the tensors given to ``fuse``.
        batched: False asks for one pair at a time.
        stochastic: True if ``fuse`` draws random numbers; the harness seeds before every pair.
        published: the authors' way of reading and writing; ``PLAIN`` where they have none of their own.
        reads_way: True if ``fuse`` itself computes differently in the two ways.
        way: set by the harness before the first call; read it only where the authors' arithmetic differs.
    """

    name: ClassVar[str]
    info: ClassVar[MethodInfo]
    space: ClassVar[Literal["luma", "rgb"]] = "luma"
    multiple: ClassVar[int] = 1
    dtype: ClassVar[Literal["float32", "float64"]] = "float32"
    batched: ClassVar[bool] = True
    stochastic: ClassVar[bool] = False
    published: ClassVar[ImageStyle] = PLAIN
    reads_way: ClassVar[bool] = False
    way: Way = "published"

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
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
            ir: float in [0, 1], (B, 1, H, W) for ``space="luma"``, (B, 3, H, W) for ``"rgb"``.
            vis: the same shape.

        Returns:
            The fused batch, same shape and dtype; 0 to 1 is black to white. Values a little outside are clipped, or
            stretched where ``published`` says so. The inputs must not be changed.
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
        dataset: name of the data set.
        pairs: its training part, in listing order.
        preset: schedule size; ``paper`` is the published protocol.
        out: folder for checkpoints, logs and the result; what is there from an interrupted training is resumed.
        recipe: one of the adapter's named recipes; empty for its default.
        variant: one of the adapter's named ablations; empty for none.
        device: torch device.
        seed: of everything random.
        stop_after: stop (resumably) after this many optimiser steps of the whole schedule; for tests and time limits.
        progress: called with (what, done, total).
        options: further settings by name, as text; an unknown one is an error.
    """

    dataset: str
    pairs: tuple[PairFiles, ...]
    preset: Preset
    out: Path
    recipe: str = ""
    variant: str = ""
    device: str = "cpu"
    seed: int = 0
    stop_after: int | None = None
    progress: Callable[[str, int, int], None] | None = None
    options: tuple[tuple[str, str], ...] = ()


@runtime_checkable
class Trainable(Protocol):
    """A method class that can be trained here; ask with ``isinstance(cls, Trainable)``.

    A class method ``estimate_cost(request) -> str`` may say in words what a training would cost on this machine.
    """

    @classmethod
    def train(cls, request: TrainRequest) -> Path:
        """Trains; returns the safetensors file that the constructor loads, ``request.out / "weights.safetensors"``."""
        ...


def torch_dtype(method: Method | type[Method]) -> torch.dtype:
    """The torch dtype of the tensors that ``method.fuse`` takes."""
    import torch

    return torch.float64 if method.dtype == "float64" else torch.float32
