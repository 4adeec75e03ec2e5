"""What EMMA is held to: its authors' network filled by the formula rule."""

from __future__ import annotations

from bench.plugin.proof import FORMULA_BAR, Proof

PROOFS = (Proof("formula", FORMULA_BAR, level="formula weights", formula="emma", grey=True),)

IDLE = tuple(
    f"{part}.transformer.attention.scale" for part in ("ir.blocks.0", "vis.blocks.0", "fusions.0", "decoder.0")
)
"""Eight heads share eight channels there: a softmax over one channel is 1 under any scale."""
