"""What LatLRR is held to: VIFB's published images, pixel for pixel."""

from __future__ import annotations

from bench.plugin.proof import EXACT, Proof

PROOFS = (Proof("vifb_published", EXACT),)
