"""What CDDFuse is held to: its authors' network filled by the formula rule."""

from __future__ import annotations

from bench.plugin.proof import FORMULA_BAR, Proof

PROOFS = (Proof("formula", FORMULA_BAR, level="formula weights", formula="cddfuse", grey=True),)
