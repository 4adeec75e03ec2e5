"""RFN-Nest: the authors' network filled by the formula rule."""

from bench.plugin.proof import FORMULA_BAR, Bar, Proof

PROOFS = (
    Proof("formula", FORMULA_BAR, "formula weights", formula="rfn_nest", unit=2295.0, grey=True),
    Proof("tno_published", Bar(84.0, 1), judged=False, note="published weights are not at hand"),
)
