"""What SHIP is held to: what its authors' program gave; its Fourier transforms round differently everywhere."""

from __future__ import annotations

from bench.plugin.proof import Bar, Proof

PROOFS = tuple(
    Proof(f"authors_code/{dataset}", Bar(79.5, 1), "authors' program") for dataset in ("TNO", "MSRS", "RoadScene")
)

IDLE = {"": ("vis.differences.*.share", "vis.differences.*.axes")}
"""The published shares of the visible stem are so low that their sigmoid is 0, and with it the part along the axes."""
