"""Large images in strips: the same values from a local network with a fraction of the memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def in_strips(
    function: Callable[..., Tensor], inputs: Sequence[Tensor], rows: int, radius: int, align: int = 1,
    each: Callable[[Callable[[int], Tensor], Iterable[int]], Iterable[Tensor]] = map,
) -> Tensor:  # fmt: skip
    """Applies a local function to strips of whole rows and joins the results.

    Each strip is given ``radius`` more rows on both sides, which are dropped again; at the image's own border nothing
    is added, so that the function's padding acts there as on the whole image. Values differ from those of one pass by
    float rounding at most, where a library picks another kernel for another height.

    Args:
        function: of tensors (B, C, H, W) to one of the same height and width, each of whose rows depends on the rows
            within ``radius`` only.
        inputs: its arguments, of equal height.
        rows: of each strip.
        radius: how far the function reaches.
        align: strips begin at multiples of this (networks that halve the image).
        each: calls for every strip, in order; an executor's ``map`` does so in several threads.

    Raises:
        ValueError: ``rows`` is not a positive multiple of ``align``.
    """
    import torch

    if rows < 1 or rows % align:
        raise ValueError(f"strips of {rows} rows, wanted a positive multiple of {align}")
    height = inputs[0].shape[-2]
    reach = -(-radius // align) * align

    def strip(start: int) -> Tensor:
        first, stop = max(start - reach, 0), min(start + rows, height)
        last = min(stop + reach, height)
        part = function(*(tensor[..., first:last, :] for tensor in inputs))
        return part[..., start - first : stop - first, :]

    return torch.cat(list(each(strip, range(0, height, rows))), dim=-2)
