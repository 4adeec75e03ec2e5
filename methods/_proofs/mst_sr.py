"""MST-SR: VIFB's images of LP-SR, every pixel."""

from bench.plugin.proof import EXACT, Proof

LABELS = {"": ("LP_SR", "MST_SR")}
ANSWER_SIZE = (160, 176)
"""Smaller images have no whole patch at the fourth level, and the dictionary does nothing."""

PROOFS = (Proof("vifb_published", EXACT),)
