"""What MetaFusion is held to: its authors' network filled by the formula rule, at their size of image."""

from __future__ import annotations

from bench.plugin.proof import FORMULA_BAR, Proof

PROOFS = (Proof("formula", FORMULA_BAR, level="formula weights", formula="metafusion"),)
