"""What ITFuse is held to: its authors' published image and what their program gave; both are grey."""

from __future__ import annotations

from bench.plugin.proof import Bar, Proof

PROOFS = (
    Proof("tno_published", Bar(73.5, 1), grey=True),
    *(
        Proof(f"authors_code/{dataset}", Bar(88.0, 1), "authors' program", grey=True)
        for dataset in ("TNO", "MSRS", "RoadScene")
    ),
)
