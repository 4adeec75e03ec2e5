"""SegFormer-B0 of mmsegmentation, 3.8 million parameters; needs the extra ``segmentation``."""

from __future__ import annotations

from tasks.segmentation.segformer import SegformerSegmenter, config_of


class SegformerB0(SegformerSegmenter):
    """Encoder MiT-B0."""

    name = "segformer_b0"
    summary = "SegFormer-B0 (Xie et al., 2021), of mmsegmentation"
    backbone_files = "SegFormer/mit_b0*.pth"
    config = config_of(32, (2, 2, 2, 2), 256)
