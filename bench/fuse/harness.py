"""The harness: everything around a method that must be the same for all of them.

Images as stored go in, uint8 RGB comes out; colour, padding, device, batching, seeding, stretch and rounding live here
and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bench import images
from bench.errors import BenchError
from bench.machine import pick_device
from bench.plugin.kinds import METHODS
from bench.plugin.method import PLAIN, ImageStyle, Method, torch_dtype
from bench.types import Image, Way
from bench.weights.find import resolve

NOMINAL_RANGE = (-1.0, 2.0)
"""Outputs that are not stretched must stay within this; 0..255 floats are the usual reason for leaving it."""


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
    """

    def __init__(
        self, method: Method, way: Way = "published", seed: int = 0, precision: Literal["exact", "fast"] = "exact"
    ) -> None:
        """Takes the method to its fastest exact form: eval mode, no gradients, channels-last.

        Args:
            method: with its weights loaded.
            way: how images are read and written.
            seed: set before every pair of a stochastic method.
            precision: ``fast`` lets networks compute in bfloat16, which moves pixels by a few grey levels.
        """
        self.method, self.way, self.seed, self.precision = method, way, seed, precision
        self.style: ImageStyle = method.published if way == "published" else PLAIN
        self.compile_decided = False
        method.way = way
        self.device = torch.device(method.device)
        for module in method.modules().values():
            module.eval().requires_grad_(False).to(self.device)
        self.use_layout(torch.channels_last)

    def use_layout(self, layout: torch.memory_format) -> None:
        """Lays networks and their input out in memory, channels-last (the fastest) or contiguous; the values stay."""
        self.layout = layout
        for module in self.method.modules().values():
            module.to(memory_format=layout)

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
        if not self.method.batched or self.method.stochastic:
            return [[index] for index in range(len(sizes))]
        groups: dict[tuple[int, ...], list[int]] = {}
        for index, size in enumerate(sizes):
            groups.setdefault(size, []).append(index)
        return list(groups.values())

    def prepare(self, pairs: Sequence[tuple[Image, Image]]) -> tuple[Tensor, Tensor]:
        """Images of one size to the method's input, on its device: two tensors (B, C, H, W) in [0, 1]."""
        if self.method.space == "rgb":
            ir = np.stack([images.as_rgb(ir).transpose(2, 0, 1) for ir, _ in pairs])
            vis = np.stack([images.as_rgb(vis).transpose(2, 0, 1) for _, vis in pairs])
        else:
            ir = np.stack([self._ir_luma(ir)[None] for ir, _ in pairs])
            vis = np.stack([self._vis_luma(vis)[None] for _, vis in pairs])
        return self._to_device(ir), self._to_device(vis)

    def _ir_luma(self, ir: Image) -> np.ndarray:
        return images.luma_scipy(ir) if self.style.reader == "luma_scipy" else images.luma_uint8(ir)

    def _vis_luma(self, vis: Image) -> np.ndarray:
        if self.style.reader == "luma_uint8":
            return images.luma_uint8(vis)
        return images.luma(vis) if self.style.reader == "luma" else images.luma_scipy(vis)

    def _to_device(self, array: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(array)).to(self.device)
        tensor = (tensor.to(torch.float64) / 255.0).to(torch_dtype(self.method))
        return tensor.contiguous(memory_format=self.layout)

    def compute(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Runs the method on prepared tensors; pads to its multiple and crops again.

        Raises:
            BenchError: the output has another shape.
        """
        height, width = ir.shape[-2:]
        pad = (-width % self.method.multiple, -height % self.method.multiple)
        if any(pad):
            ir, vis = (_pad(tensor, *pad) for tensor in (ir, vis))
        if self.method.stochastic:
            torch.manual_seed(self.seed)
        with torch.inference_mode(), self._precision():
            output = self.method.fuse(ir, vis)
        if not isinstance(output, Tensor) or output.shape != ir.shape:
            seen = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise BenchError(
                f"{self.method.name}: output has shape {seen}, wanted {tuple(ir.shape)}; mend the adapter's fuse"
            )
        return output[..., :height, :width]

    def _precision(self) -> AbstractContextManager[object]:
        """bfloat16 where PyTorch holds it safe (convolutions, matrix products) in the fast mode; float64 stays."""
        if self.precision == "fast":
            return torch.autocast(self.device.type, torch.bfloat16)
        return nullcontext()

    def _check_values(self, values: np.ndarray) -> None:
        finite = np.isfinite(values)
        if not finite.all():
            bad = int((~finite).sum())
            raise BenchError(
                f"{self.method.name}: output has NaN or infinity at {bad} of {values.size} values; "
                "check weights and input"
            )
        low, high = float(values.min()), float(values.max())
        if self.style.stretch == "none" and not (NOMINAL_RANGE[0] <= low and high <= NOMINAL_RANGE[1]):
            raise BenchError(
                f"{self.method.name}: output spans {low:.3g} to {high:.3g}, wanted 0 to 1; return [0, 1], not 0..255"
            )

    def finish(self, pairs: Sequence[tuple[Image, Image]], output: Tensor) -> list[Image]:
        """The method's output as uint8 RGB images, written in the method's or the plain way.

        Raises:
            BenchError: the output has NaN or infinity, or leaves the range.
        """
        values = output.detach().to("cpu", torch.float64).numpy()
        self._check_values(values)
        values = values * 255.0
        if self.method.space == "rgb":
            return [self._write(value.transpose(1, 2, 0)) for value in values]
        return [self._merge(vis, value[0]) for (_, vis), value in zip(pairs, values, strict=True)]

    def _merge(self, vis: Image, fused_luma: images.Luma) -> Image:
        if self.style.merge == "float_ycrcb":
            return self._write(images.float_ycrcb(vis, fused_luma))
        if self.style.merge == "pil_ycbcr":
            return images.pil_ycbcr(vis, self._write(fused_luma))
        if images.is_grey(vis):
            return images.as_rgb(self._write(fused_luma))
        return self._write(images.add_luma(vis, np.clip(fused_luma, 0.0, 255.0)))

    def _write(self, values: np.ndarray) -> Image:
        if self.style.stretch == "min_max":
            values = images.min_max(values)
        return images.quantise(values, truncate=self.style.rounding == "truncate")


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


def _pad(tensor: Tensor, right: int, bottom: int) -> Tensor:
    height, width = tensor.shape[-2:]
    mode = "reflect" if right < width and bottom < height else "replicate"
    return functional.pad(tensor, (0, right, 0, bottom), mode=mode)
