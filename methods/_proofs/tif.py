"""What TIF is held to: VIFB's published images, pixel for pixel but for ties of one pair."""

from __future__ import annotations

from bench.plugin.proof import EXACT, Bar, Proof

PROOFS = (
    Proof(
        "vifb_published",
        EXACT,
        exceptions={"manlight": Bar(83.0, 2)},
        note="exact halves in manlight follow another order of MATLAB's additions",
    ),
)
