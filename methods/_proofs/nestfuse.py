"""What NestFuse is held to: its authors' network filled by the formula rule, with each of its three poolings."""

from __future__ import annotations

from bench.plugin.proof import FORMULA_BAR, Proof

LABELS = {"max": ("NestFuse",), "nuclear": ("NestFuse",)}

PROOFS = tuple(
    Proof(
        "formula", FORMULA_BAR, level="formula weights", variant=variant, formula="nestfuse",
        suffix=variant or "avg", unit=255.0, grey=True,
    )
    for variant in ("", "max", "nuclear")
)  # fmt: skip
