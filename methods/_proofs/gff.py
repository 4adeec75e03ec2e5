"""What GFF is held to: VIFB's published images, pixel for pixel under one of two ways to break ties."""

from __future__ import annotations

from bench.plugin.proof import EXACT, Alternative, Proof

SINGLE_CHANNEL = ("manWalking", "running", "walking2", "walkingnight")
"""Pairs whose infrared file has one channel, which VIFB's loader put in the place of the visible green."""

PROOFS = (
    Proof(
        "vifb_published",
        EXACT,
        alternatives=(
            Alternative({"ties": "ir"}),
            Alternative({"infrared_as_green": True}, pairs=SINGLE_CHANNEL),
        ),
        note="ties of an image all go to one source; VIFB's loader spoilt four infrared images",
    ),
)
