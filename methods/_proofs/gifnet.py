"""What GIFNet is held to: its authors' published picture, and what their program gave in colour and in grey."""

from __future__ import annotations

from bench.plugin.method import ImageStyle
from bench.plugin.proof import Bar, Proof

GREY = {"published": ImageStyle(reader="luma_uint8", merge="pil_ycbcr", rounding="truncate")}
"""The authors' script without its flag for colour, as in their demonstration."""

BAR = Bar(88.0, 1)

PROOFS = (
    Proof("extra", Bar(57.0, 8), settings=GREY, grey=True),
    *(Proof(f"authors_code/{dataset}", BAR, "authors' program") for dataset in ("TNO", "MSRS", "RoadScene")),
    Proof("authors_code/TNO_grey", BAR, "authors' program", settings=GREY, grey=True),
)

IDLE = {"": ("*key.bias", "*.bias.layers.2.bias")}
"""What all keys or all scores of a head have in common is lost in the softmax."""
