"""What LRRNet is held to: the images that its authors published."""

from __future__ import annotations

from bench.plugin.proof import Bar, Proof

PROOFS = (Proof("tno_published", Bar(84.5, 1)),)
