"""GANMcC: the authors' generator filled by the formula rule."""

from bench.plugin.proof import FORMULA_BAR, Proof

PROOFS = (Proof("formula", FORMULA_BAR, "formula weights", formula="ganmcc", unit=255.0, grey=True),)
