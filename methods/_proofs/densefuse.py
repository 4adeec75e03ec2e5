"""The images of the evaluation repository on TNO."""

from bench.plugin.proof import Bar, Proof

PROOFS = (Proof("tno_published", Bar(77.0, 1)),)
