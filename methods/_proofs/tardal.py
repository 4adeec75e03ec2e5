"""What TarDAL is held to: what its authors' program gave, equal on the processor it ran on; others round otherwise."""

from __future__ import annotations

from bench.plugin.proof import Bar, Proof

BAR = Bar(85.0, 1)

LABELS = {"tt": ("TarDAL+",), "ct": ("TarDAL++",)}

PROOFS = tuple(
    Proof(f"authors_code/{dataset}", BAR, "authors' program", variant)
    for variant in ("", "tt", "ct")
    for dataset in ("TNO", "RoadScene", "MSRS")
)

IDLE = {"": ("encoder.0.bias", "dense.*.0.bias", "fuse.1.0.bias", "fuse.2.0.bias")}
"""An image's own statistics take these out again, but for rounding, which is kept as the authors'."""
