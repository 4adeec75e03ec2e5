"""The harness: everything around a method that must be the same for all of them.

Images as stored go in, uint8 RGB comes out; colour, padding, device, batching, seeding, stretch and rounding live here
and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bench.errors import BenchError
from bench.fusion import style
from bench.fusion.planes import Planes
from bench.machine import exact_arithmetic, pick_device
from bench.plugin.kinds import METHODS
from bench.plugin.method import PLAIN, ImageStyle, Method, Padding, torch_dtype
from bench.plugin.strips import in_strips
from bench.types import Image, Way
from bench.weights.find import resolve

NOMINAL_RANGE = (-1.0, 2.0)
"""Outputs that are not stretched must stay within this; 0..255 floats are the usual reason for leaving it."""

HALF_LEVEL = 0.5 / 255
"""What leaves 0 to 1 by no more than this is rounded to black or white, not clipped."""


STRIP_PIXELS = 4_000_000
"""Larger images go through a method that declares its ``radius`` in strips of about a quarter of this."""


def create_fuser(
    name: str, weights: Path | str | None = None, device: str = "cpu", way: Way = "published", seed: int = 0
) -> Fuser:
    """A method by name with its weights found, ready to fuse; see ``methods.create``.

    Raises:
        BenchError: unknown name or device, missing or wrong weights.
    """
    cls = METHODS.get(name)
    resolved = resolve(cls, Path(weights) if weights is not None else None)
    return Fuser(cls(resolved.path, pick_device(device)), way=way, seed=seed)


class Fuser:
    """One method on one device, fed with images as stored.

    ``fuse_pair`` and ``fuse_batch`` are ``prepare`` -> ``compute`` -> ``finish``; the three steps are public so that
    a stage can overlap them with reading and writing, and so that a timer can tell them apart.

    Attributes:
        last_clipped: of each image that ``finish`` made last, the share of values that were clipped.
        network: what computes in the place of ``method.fuse``; None where PyTorch does.
        runtime: its name, for manifests and rows of times.
        runtime_reason: why another runtime that was asked for does not compute.
    """

    def __init__(
        self, method: Method, way: Way = "published", seed: int = 0, precision: Literal["exact", "fast"] = "exact",
        authors_size: bool = False,
    ) -> None:  # fmt: skip
        """Takes the method to its fastest exact form: eval mode, no gradients, channels-last where it allows that.

        Args:
            method: with its weights loaded.
            way: how images are read and written.
            seed: set before every pair of a stochastic method.
            precision: ``fast`` lets networks compute in bfloat16, which moves pixels by a few grey levels.
            authors_size: resize images to the method's ``working_size``, if it has one, as its authors did.
        """
        self.method, self.way, self.seed, self.precision = method, way, seed, precision
        self.style: ImageStyle = method.published if way == "published" else PLAIN
        self.planes = Planes(method.space, self.style, method.working_size if authors_size else None)
        self.compile_decided = False
        self.last_clipped: tuple[float, ...] = ()
        self.network: Callable[[Tensor, Tensor], Tensor] | None = None
        self.runtime, self.runtime_reason = "torch", ""
        method.way = way
        self.device = torch.device(method.device)
        for module in method.modules().values():
            module.eval().requires_grad_(False).to(self.device)
        self.use_layout(torch.channels_last)

    @property
    def batchable(self) -> bool:
        """Whether pairs of equal size may go through the method together."""
        return self.method.batched and not self.method.whole and not self.method.stochastic

    def use_layout(self, layout: torch.memory_format) -> None:
        """Lays networks and their input out in memory, channels-last (the fastest) or contiguous; the values stay.

        A method whose ``layout`` is contiguous stays so.
        """
        self.layout = torch.contiguous_format if self.method.layout == "contiguous" else layout
        for module in self.method.modules().values():
            module.to(memory_format=self.layout)

    def fuse_pair(self, ir: Image, vis: Image) -> Image:
        """Fuses one pair.

        Args:
            ir: uint8 (H, W), or (H, W, 3) as stored.
            vis: uint8 (H, W, 3) RGB, or (H, W), same height and width.

        Returns:
            uint8 RGB (H, W, 3).

        Raises:
            BenchError: wrong type, rank or size, or an output that is not an image.
        """
        return self.fuse_batch([(ir, vis)])[0]

    def fuse_luma(self, ir: Image, vis: Image) -> Image:
        """Fuses one pair to the luma as it is written, before any colour is put back; uint8 (H, W).

        Raises:
            BenchError: as ``fuse_pair``, or a method that fuses colours.
        """
        if self.method.space == "rgb":
            raise BenchError(f"{self.method.name}: fuses colours, wanted a method that fuses luma; use fuse_pair")
        check_pair(ir, vis)
        values = self._values(self.compute(*self.prepare([(ir, vis)])))
        return style.written_luma(self.style, values[0, 0])

    def fuse_batch(self, pairs: Sequence[tuple[Image, Image]]) -> list[Image]:
        """Fuses pairs, those of equal size together; each is ``(ir, vis)`` as for ``fuse_pair``, in order."""
        for ir, vis in pairs:
            check_pair(ir, vis)
        results: list[Image | None] = [None] * len(pairs)
        for indices in self.batches([vis.shape[:2] for _, vis in pairs]):
            batch = [pairs[index] for index in indices]
            output = self.compute(*self.prepare(batch))
            for index, image in zip(indices, self.finish(batch, output), strict=True):
                results[index] = image
        return [image for image in results if image is not None]

    def batches(self, sizes: Sequence[tuple[int, ...]]) -> list[list[int]]:
        """Indices of pairs that go through the network together: runs of equal size, or one by one."""
        if not self.batchable:
            return [[index] for index in range(len(sizes))]
        groups: dict[tuple[int, ...], list[int]] = {}
        for index, size in enumerate(sizes):
            groups.setdefault(size, []).append(index)
        return list(groups.values())

    def prepare(self, pairs: Sequence[tuple[Image, Image]]) -> tuple[Tensor, Tensor]:
        """Images of one size to the method's input, on its device: two tensors (B, C, H, W) in [0, 1].

        Raises:
            BenchError: fewer pixels than the method can do with.
        """
        check_size(self.method, pairs[0][1])
        return (
            self._to_device(np.stack([self.planes.ir(ir) for ir, _ in pairs])),
            self._to_device(np.stack([self.planes.vis(vis) for _, vis in pairs])),
        )

    def _to_device(self, array: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(array)).to(self.device)
        tensor = (tensor.to(torch.float64) / 255.0).to(torch_dtype(self.method))
        return tensor.contiguous(memory_format=self.layout)

    def compute(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Runs the method on prepared tensors; pads to its multiple and crops again.

        Raises:
            BenchError: the output has another shape.
        """
        size = ir.shape[-2:]
        padding = self.method.padding or Padding(self.method.multiple)
        (ir, (top, left)), (vis, _) = _pad(ir, padding), _pad(vis, padding)
        if self.method.stochastic:
            torch.manual_seed(self.seed)
        with torch.inference_mode(), self._precision():
            output = self._fuse(ir, vis)
        if not isinstance(output, Tensor) or output.shape != ir.shape:
            seen = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise BenchError(
                f"{self.method.name}: output has shape {seen}, wanted {tuple(ir.shape)}; mend the adapter's fuse"
            )
        return output[..., top : top + size[0], left : left + size[1]]

    def _fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        method, (height, width) = self.method, ir.shape[-2:]
        fuse = self.network or method.fuse
        if method.radius is None or method.whole or height * width <= STRIP_PIXELS:
            return fuse(ir, vis)
        align = (method.padding or Padding(method.multiple)).multiple
        rows = max(STRIP_PIXELS // 4 // width // align, 1) * align
        return in_strips(fuse, (ir, vis), rows, method.radius, align)

    def _precision(self) -> AbstractContextManager[object]:
        """bfloat16 where PyTorch holds it safe (convolutions, matrix products) in the fast mode; float64 stays."""
        if self.precision == "fast":
            return torch.autocast(self.device.type, torch.bfloat16)
        return exact_arithmetic()

    def _check_values(self, values: np.ndarray) -> None:
        finite = np.isfinite(values)
        if not finite.all():
            bad = int((~finite).sum())
            raise BenchError(
                f"{self.method.name}: output has NaN or infinity at {bad} of {values.size} values; "
                "check weights and input"
            )
        low, high = float(values.min()), float(values.max())
        free = self.style.stretch == "min_max" or self.style.rounding == "wrap" or self.method.clips
        if not free and not (NOMINAL_RANGE[0] <= low and high <= NOMINAL_RANGE[1]):
            raise BenchError(
                f"{self.method.name}: output spans {low:.3g} to {high:.3g}, wanted 0 to 1; return [0, 1], not 0..255"
            )

    def clipped(self, values: np.ndarray | Tensor) -> float:
        """The share of an output's values that become black or white because they leave 0 to 1; 0 to 1.

        Nothing is clipped where the image is stretched to its own range or wraps, and what a method clips by design
        counts for nothing.
        """
        if self.style.stretch == "min_max" or self.style.rounding == "wrap" or self.method.clips:
            return 0.0
        outside = (values < -HALF_LEVEL) | (values > 1.0 + HALF_LEVEL)
        return float(outside.sum()) / outside.size if isinstance(outside, np.ndarray) else float(outside.float().mean())

    def finish(self, pairs: Sequence[tuple[Image, Image]], output: Tensor) -> list[Image]:
        """The method's output as uint8 RGB images, written in the method's or the plain way.

        Raises:
            BenchError: the output has NaN or infinity, or leaves the range.
        """
        values = self._values(output)
        self.last_clipped = tuple(self.clipped(value) for value in values)
        if self.method.space == "rgb":
            return [style.written_rgb(self.style, value.transpose(1, 2, 0)) for value in values]
        return [
            style.merged(self.style, self.planes.colours(vis), value[0])
            for (_, vis), value in zip(pairs, values, strict=True)
        ]

    def _values(self, output: Tensor) -> np.ndarray:
        values = output.detach().to("cpu", torch_dtype(self.method)).numpy()
        self._check_values(values)
        return values


def check_pair(ir: Image, vis: Image) -> None:
    """Checks types, ranks and sizes of a pair.

    Raises:
        BenchError: names what was seen and wanted.
    """
    for name, image in (("ir", ir), ("vis", vis)):
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
            seen = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
            raise BenchError(f"{name} is {seen}, wanted a uint8 array, 0..255")
        if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3) or image.size == 0:
            raise BenchError(f"{name} has shape {image.shape}, wanted (H, W) or (H, W, 3)")
    if ir.shape[:2] != vis.shape[:2]:
        raise BenchError(
            f"ir is {ir.shape[1]}x{ir.shape[0]} and vis {vis.shape[1]}x{vis.shape[0]} pixels, wanted equal sizes; "
            "register and crop the pair first"
        )


def check_size(method: Method, image: Image) -> None:
    """Refuses images with fewer pixels than a method can do with.

    Raises:
        BenchError: names what was seen and wanted.
    """
    height, width = image.shape[:2]
    if min(height, width) < method.smallest:
        raise BenchError(
            f"{method.name}: the pair is {width}x{height} pixels, wanted at least {method.smallest} a "
            "side; leave it out, or fuse it with another method"
        )


def _pad(tensor: Tensor, rule: Padding) -> tuple[Tensor, tuple[int, int]]:
    """A batch padded by a rule, and how many rows and columns were added at the top and left."""
    before = []
    for axis in (-2, -1):
        size = tensor.shape[axis]
        more = -size % rule.multiple or (rule.multiple if rule.always else 0)
        first = more // 2 if rule.side == "both" else 0
        before.append(first)
        if more and rule.mode == "zero":
            pads = (first, more - first)
            tensor = functional.pad(tensor, (0, 0, *pads) if axis == -2 else pads)
        elif more:
            index = np.pad(np.arange(size), (first, more - first), mode=rule.mode)  # type: ignore[arg-type]
            tensor = tensor.index_select(axis, torch.from_numpy(index).to(tensor.device))
    return tensor, (before[0], before[1])
