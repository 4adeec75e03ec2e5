"""What DIDFuse is held to: the images that its authors published."""

from __future__ import annotations

from bench.plugin.proof import Bar, Proof

PROOFS = (
    Proof("tno_published", Bar(87.0, 1)),
    Proof("roadscene_published", Bar(54.0, 15), grey=True, note="made from grey JPEG copies of the visible images"),
    Proof("extra", Bar(87.0, 1)),
)
