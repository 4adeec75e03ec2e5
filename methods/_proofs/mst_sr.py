"""MST-SR: VIFB's images of LP-SR, every pixel."""

from bench.plugin.proof import EXACT, Proof

LABELS = {"": ("LP_SR", "MST_SR")}
PROOFS = (Proof("vifb_published", EXACT),)
