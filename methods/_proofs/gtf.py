"""GTF: VIFB's images, every pixel; one of its 21 pairs misses some after JPEG."""

from bench.plugin.proof import EXACT, Bar, Proof

PROOFS = (Proof("vifb_published", EXACT, exceptions={"carShadow": Bar(83.0, 2)}),)
