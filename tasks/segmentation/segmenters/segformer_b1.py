"""SegFormer-B1 of mmsegmentation, 13.7 million parameters; needs the extra ``segmentation``."""

from __future__ import annotations

from tasks.segmentation.segformer import SegformerSegmenter, config_of


class SegformerB1(SegformerSegmenter):
    """Encoder MiT-B1."""

    name = "segformer_b1"
    summary = "SegFormer-B1 (Xie et al., 2021), of mmsegmentation"
    backbone_files = "SegFormer/mit_b1*.pth"
    config = config_of(64, (2, 2, 2, 2), 256)
