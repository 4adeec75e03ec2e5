"""What CAF is held to: the authors' published image, and what their program gave."""

from __future__ import annotations

from bench.plugin.proof import Bar, Proof

BAR = Bar(88.0, 1)

PROOFS = (
    Proof("extra", BAR),
    *(
        Proof(f"authors_code/{dataset}", BAR, "authors' program", variant)
        for variant in ("", "seg")
        for dataset in ("TNO", "RoadScene", "MSRS")
    ),
)
