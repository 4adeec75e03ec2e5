"""What YDTR is held to: its authors' published image and what their program gave; both are grey."""

from __future__ import annotations

from bench.plugin.proof import Bar, Proof

PROOFS = (
    Proof("tno_published", Bar(69.5, 1), grey=True),
    Proof(
        "vifb_published", Bar(), judged=False, note="VIFB stretched the contrast 1.164 times and coded twice as JPEG"
    ),
    *(
        Proof(f"authors_code/{dataset}", Bar(84.0, 1), "authors' program", grey=True)
        for dataset in ("TNO", "MSRS", "RoadScene")
    ),
)
