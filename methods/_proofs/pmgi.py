"""What PMGI is held to: the images of the evaluation repository, whose TNO files were of mixed kinds.

A grey file stored as RGB loses a level at 22 grey values in its program's reader, one of a single channel loses none;
which copy of a pair was read is known from trying.
"""

from __future__ import annotations

from dataclasses import replace

from bench.plugin.proof import Alternative, Bar, Proof
from methods.pmgi import PMGIMethod

LOSSY_IR = replace(PMGIMethod.published, ir_reader="luma_scipy")
LOSSY = replace(PMGIMethod.published, reader="luma_scipy")

PROOFS = (
    Proof(
        "tno_published",
        Bar(81.0, 1),
        exceptions={"41": Bar(53.0, 2)},
        alternatives=(
            Alternative({"published": LOSSY_IR}, ("05", "11", "41")),
            Alternative({"published": LOSSY}, ("09", "12", "41")),
        ),
        note="the visible image of 41 is another file than the publisher's",
    ),
)
