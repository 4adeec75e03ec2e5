"""What MUFusion is held to: equal images of its authors' two programs, with both of their files."""

from __future__ import annotations

from bench.plugin.proof import EXACT, Proof

PROOFS = (
    Proof("authors_code/TNO", EXACT, "authors' program", grey=True),
    *(
        Proof(f"authors_code/{source}", EXACT, "authors' program", "colour")
        for source in ("MSRS", "RoadScene", "TNO_colour_script")
    ),
    Proof("authors_code/RoadScene_own_weights", EXACT, "authors' program", "roadscene"),
)
