"""What LUT-Fuse is held to: what its authors' program gave, with and without its cut to multiples of 16."""

from __future__ import annotations

from bench.plugin.proof import Bar, Proof

BAR = Bar(91.0, 1)

PROOFS = (
    *(Proof(f"authors_code/{dataset}", BAR, "authors' program") for dataset in ("TNO", "MSRS", "RoadScene")),
    *(
        Proof(f"authors_code/{dataset}_resize16", BAR, "authors' program", resize="floor16")
        for dataset in ("TNO", "RoadScene")
    ),
)
