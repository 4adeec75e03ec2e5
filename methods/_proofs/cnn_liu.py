"""What CNN is held to: VIFB's published images, but for pixels that float32 sums in another order decide otherwise."""

from __future__ import annotations

from bench.plugin.proof import Bar, Proof

LABELS = {"": ("CNN", "CNN_Liu")}
ANSWER_SIZE = (96, 112)
"""On fewer pixels the third layer's biases are hardly heard."""

PROOFS = (Proof("vifb_published", Bar(65.0, 6)),)
