"""What SwinFusion is held to: its authors' network filled by the formula rule."""

from __future__ import annotations

from typing import Any

from bench.plugin.proof import FORMULA_BAR, Proof
from bench.weights.formula import Buffer

TRAINED_SIDE = 128
"""Pixels of the training patches, for which the authors' file holds masks."""


def computed(buffer: Buffer) -> Any:
    """An index of positions or a mask of shifted windows, as the authors' file holds them for 128 x 128 pixels."""
    import torch

    from methods._nets.swinfusion import WINDOW, shift_mask
    from methods._nets.transformer import relative_index

    if buffer.name.endswith("relative_position_index"):
        return relative_index(WINDOW).numpy()
    image = torch.zeros(1, TRAINED_SIDE, TRAINED_SIDE, 1)
    return torch.cat([shift_mask(row, image)[:, 0] for row in range(TRAINED_SIDE // WINDOW)]).numpy()


PROOFS = (Proof("formula", FORMULA_BAR, level="formula weights", formula="swinfusion", grey=True, computed=computed),)
