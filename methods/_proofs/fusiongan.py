"""FusionGAN: the authors' generator filled by the formula rule."""

from bench.plugin.proof import FORMULA_BAR, Bar, Proof

PROOFS = (
    Proof("formula", FORMULA_BAR, "formula weights", formula="fusiongan", unit=255.0, grey=True),
    Proof(
        "tno_published",
        Bar(),
        judged=False,
        note="made with an unknown TensorFlow",
    ),
)
