"""Networks on the CPU with three quarters of the multiplications of their 3x3 convolutions left out.

Winograd's minimal filtering, compiled (see :mod:`bench.fusion.kernels`), takes the place of PyTorch's convolutions of
float32 images with many channels while a method fuses; whatever else a network does stays with PyTorch. Sums are
taken in another order, so a value moves in its last digits, as it does from one processor to another.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import as_strided
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from bench.fusion.kernels.points import FILTER, LANES, RESULTS
from bench.memory import has_one_heap
from bench.plugin.method import Method, Padding
from bench.plugin.strips import in_strips

Array = np.ndarray

LEAST = 16
"""Channels in and out from which on both kernels gain."""

WORK = 4200
"""Tiles multiplied at once, times channels in and out: what lies between the transforms then takes some 600 kB."""

ALONE = 2**18
"""Products of one multiplication of matrices up to which OpenBLAS computes it in the thread that asks."""

SHARES = 8
"""Parts of an image for each thread; whoever is done takes the next."""

LOCAL = 8
"""Rows of a band, times the method's radius, from which on it pays: a band computes twice the radius more."""

ONE = (1, 1)


class Convolutions(TorchFunctionMode):
    """Within it, in one thread, convolutions that gain by it are computed by the kernels.

    Each waits for the call behind it: if that is a (leaky) ReLU in place, the two are one.

    Attributes:
        taken: how many were.
    """

    def __init__(self, prepared: dict[int, tuple[Tensor, Array, Array]], threads: _Threads) -> None:
        """Begins.

        Args:
            prepared: filters by the ``id`` of their parameter; more are put in.
            threads: that share a convolution.
        """
        super().__init__()
        self.taken = 0
        self._prepared, self._threads = prepared, threads
        self._waiting: tuple[Tensor, Callable[[float], None]] | None = None

    def __torch_function__(self, function: Any, kinds: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Takes the place of PyTorch's own."""
        kwargs = kwargs or {}
        if self._waiting is not None:
            out = self._waiting[0]
            slope = _slope(function, kwargs) if args and args[0] is out else None
            self.finish(1.0 if slope is None else slope)
            if slope is not None:
                return out
        if function is torch.conv2d:
            return self._conv2d(*args, **kwargs)
        return function(*args, **kwargs)

    def finish(self, slope: float = 1.0) -> None:
        """Computes what waits.

        Args:
            slope: what negative results are multiplied by.
        """
        if self._waiting is not None:
            (_, compute), self._waiting = self._waiting, None
            compute(slope)

    def _conv2d(
        self, input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
        dilation: Any = 1, groups: int = 1,
    ) -> Tensor:  # fmt: skip
        zeros = _pair(padding)[0] if _pair(padding) in ((0, 0), ONE) else -1
        plain = groups == 1 and _pair(stride) == _pair(dilation) == ONE and zeros >= 0
        if not plain or not _gains(input, weight, zeros):
            return torch.conv2d(input, weight, bias, stride, padding, dilation, groups)
        height, width = (side + 2 * zeros - weight.shape[-1] + 1 for side in input.shape[2:])
        found = torch.empty((len(input), len(weight), height, width), memory_format=torch.channels_last)
        self._waiting = found, partial(self._compute, input, weight, bias, zeros, found)
        self.taken += 1
        return found

    def _compute(
        self, input: Tensor, weight: Tensor, bias: Tensor | None, zeros: int, found: Tensor, slope: float
    ) -> None:
        if id(weight) not in self._prepared:  # the parameter is kept, so that its number is not given away again
            self._prepared[id(weight)] = (weight, _filters(weight), _numbers(bias, len(weight)))
        _, filters, added = self._prepared[id(weight)]
        for image, out in zip(_images(input), _images(found), strict=True):
            if weight.shape[-1] == 1:
                self._threads.share(*_mixing(image, filters, added, slope, out))
            else:
                self._threads.share(*_tiling(image, zeros, filters, added, slope, out))


class WinogradNetwork:
    """A method's ``fuse`` with its convolutions computed by the kernels.

    A local method's image is shared by the threads in bands of rows, since then they wait for each other once an image;
    else they share each convolution.

    Attributes:
        gains: whether any convolution was computed by the kernels so far.
    """

    def __init__(self, method: Method) -> None:
        self._method, self._threads = method, _Threads()
        self._prepared: dict[int, tuple[Tensor, Array, Array]] = {}
        self.gains = False

    def __call__(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses batches (N, C, H, W)."""
        method, threads, height = self._method, torch.get_num_threads(), ir.shape[-2]
        align = math.lcm((method.padding or Padding(method.multiple)).multiple, RESULTS)
        rows = -(-height // (threads * align)) * align
        local = method.radius is not None and not method.whole and has_one_heap()
        if threads == 1 or not local or rows < max(LOCAL * (method.radius or 0), method.smallest):
            return self._fuse(ir, vis)
        return in_strips(self._fuse, (ir, vis), rows, method.radius or 0, align, self._threads.each)

    def _fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        with torch.inference_mode(), Convolutions(self._prepared, self._threads) as convolutions:
            fused = self._method.fuse(ir, vis)
            convolutions.finish()
        self.gains = self.gains or convolutions.taken > 0
        return fused


def compile_kernels() -> None:
    """Compiles the kernels now, which takes some seconds once; a process that needs them first does so too."""
    for size in (1, 3):
        layer = nn.Conv2d(LEAST, LEAST, size)
        with torch.inference_mode(), Convolutions({}, _Threads()) as convolutions:
            layer(torch.zeros(1, LEAST, 8, 8))
            convolutions.finish()


def _pair(value: Any) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _slope(function: Any, settings: Mapping[str, Any]) -> float | None:
    """Of a (leaky) ReLU in place, what it multiplies negative values by; None for other functions."""
    if not settings.get("inplace"):
        return None
    if function is nn.functional.leaky_relu:
        return settings.get("negative_slope", 0.01)
    return 0.0 if function is nn.functional.relu else None


def _gains(input: Tensor, weight: Tensor, zeros: int) -> bool:
    sizes = tuple(weight.shape)
    return (
        isinstance(weight, nn.Parameter)
        and not input.requires_grad
        and input.ndim == 4
        and input.dtype == weight.dtype == torch.float32
        and input.device.type == "cpu"
        and sizes[2:] in (ONE, (3, 3))
        and min(sizes[:2]) >= LEAST
        and sizes[0] % LANES == sizes[1] % LANES == 0
        and (zeros == 0 or sizes[2] == 3)
        and min(input.shape[2:]) + 2 * zeros >= sizes[2]
    )


def _filters(weight: Tensor) -> Array:
    """Transformed once, in double: (36, C, N) for 3x3, (C, N) for 1x1."""
    values = weight.detach().double().numpy()
    if values.shape[-1] == 1:
        return np.ascontiguousarray(values[:, :, 0, 0].T, np.float32)
    made = np.einsum("pa,qb,ncab->pqcn", FILTER, FILTER, values)
    return np.ascontiguousarray(made.reshape(-1, *made.shape[2:]), np.float32)


def _numbers(bias: Tensor | None, count: int) -> Array:
    return np.zeros(count, np.float32) if bias is None else bias.detach().numpy().astype(np.float32)


def _images(batch: Tensor) -> Iterator[Array]:
    """Of a batch (N, C, H, W), each as (H, W, C) with channels side by side; a copy where they do not lie so."""
    last = batch.detach().permute(0, 2, 3, 1)
    for image in last if last.stride(3) == 1 else last.contiguous():
        yield image.numpy()


def _flat(image: Array) -> Array:
    """The memory of an image from its first value to its last."""
    count = 1 + sum((side - 1) * stride for side, stride in zip(image.shape, image.strides, strict=True)) // 4
    return as_strided(image, (count,), (4,))


Work = Callable[[int, int], None]


def _tiling(image: Array, zeros: int, filters: Array, bias: Array, slope: float, out: Array) -> tuple[Work, int, int]:
    """What convolves a range of tiles, how many tiles there are, and how many are multiplied at once."""
    from bench.fusion.kernels.convolutions import convolve_tiles, work_size

    channels, out_channels = filters.shape[1:]
    total = -(-out.shape[0] // RESULTS) * -(-out.shape[1] // RESULTS)
    block = max(min(WORK // (channels + out_channels), ALONE // (channels * out_channels)), 4)
    flat, place = _flat(image), (*image.shape[:2], *(stride // 4 for stride in image.strides[:2]), zeros)
    factor, needed = np.float32(slope), work_size(channels, out_channels, block)

    def work(first: int, last: int) -> None:
        convolve_tiles(flat, place, filters, bias, factor, out, (first, last, block), _scratch(needed))

    return work, total, block


def _mixing(image: Array, weights: Array, bias: Array, slope: float, out: Array) -> tuple[Work, int, int]:
    from bench.fusion.kernels.convolutions import mix_pixels

    pixels = np.ascontiguousarray(image).reshape(-1, len(weights))
    mixed = out.reshape(-1, weights.shape[1])
    block, factor = max(ALONE // weights.size, 4), np.float32(slope)

    def work(first: int, last: int) -> None:
        mix_pixels(pixels, weights, bias, factor, mixed, (first, last, block))

    return work, len(pixels), block


_own = threading.local()


def _scratch(size: int) -> Array:
    """A thread's memory between the transforms."""
    kept: Array = getattr(_own, "scratch", np.empty(0, np.float32))
    if kept.size < size:
        _own.scratch = kept = np.empty(size, np.float32)
    return kept


class _Threads:
    """As many as PyTorch has here; made when they are first needed, so that a process can be forked before."""

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(torch.get_num_threads(), "winograd")

    def share(self, work: Work, total: int, block: int) -> None:
        """Does ``work(first, last)`` over all, in parts of whole blocks: what is multiplied together never changes."""
        threads = torch.get_num_threads()
        if threads == 1 or total <= block:
            work(0, total)
            return
        part = max(-(-total // (threads * SHARES * block)), 1) * block
        starts = iter(range(0, total, part))

        def follow(_: int) -> None:
            for first in starts:
                work(first, min(first + part, total))

        list(self._pool.map(follow, range(threads)))

    def each(self, function: Callable[[int], Tensor], items: Iterable[int]) -> list[Tensor]:
        """``map`` in the threads, in each of which PyTorch then computes with one."""
        threads = torch.get_num_threads()

        def alone(item: int) -> Tensor:
            torch.set_num_threads(1)  # of this thread
            return function(item)

        try:
            return list(self._pool.map(alone, items))
        finally:
            torch.set_num_threads(threads)  # of threads that begin later
