"""What SAGE is held to: the authors' published image, and what their program gave."""

from __future__ import annotations

from bench.plugin.proof import Bar, Proof

BAR = Bar(89.5, 1)

PROOFS = (
    Proof("extra", BAR),
    *(Proof(f"authors_code/{dataset}", BAR, "authors' program") for dataset in ("TNO", "RoadScene", "MSRS")),
)
