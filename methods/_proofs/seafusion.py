"""SeAFusion: images that its authors and the evaluation repository published."""

from bench.plugin.proof import Bar, Proof

PROOFS = (Proof("tno_published", Bar(86.0, 1)), Proof("msrs_published", Bar(86.0, 1)))
