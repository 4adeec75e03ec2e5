"""What MMDRFuse is held to: what its authors' program gave, in grey."""

from __future__ import annotations

from bench.plugin.proof import Bar, Proof

PROOFS = tuple(
    Proof(f"authors_code/{dataset}", Bar(92.0, 1), "authors' program", grey=True)
    for dataset in ("TNO", "MSRS", "RoadScene")
)
