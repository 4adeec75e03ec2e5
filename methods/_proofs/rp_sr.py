"""What RP-SR is held to: VIFB's published images, pixel for pixel."""

from __future__ import annotations

from bench.plugin.proof import EXACT, Proof

ANSWER_SIZE = (160, 176)
"""Smaller images have no whole patch at the fourth level, and the dictionary does nothing."""

PROOFS = (Proof("vifb_published", EXACT),)
