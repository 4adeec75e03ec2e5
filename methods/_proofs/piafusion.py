"""What PIAFusion and its port are held to: either program's network filled by the formula rule."""

from __future__ import annotations

from bench.plugin.proof import FORMULA_BAR, Bar, Proof

PROOFS = (
    Proof("formula", FORMULA_BAR, level="formula weights", formula="piafusion"),
    Proof("formula", FORMULA_BAR, level="formula weights", formula="piafusion_pytorch", variant="torch"),
    Proof("tno_published", Bar(), judged=False, note="another run than the authors' own results, by up to 27 levels"),
)
