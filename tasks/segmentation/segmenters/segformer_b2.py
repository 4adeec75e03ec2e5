"""SegFormer-B2 of mmsegmentation, 27.5 million parameters; needs the extra ``segmentation``."""

from __future__ import annotations

from tasks.segmentation.segformer import SegformerSegmenter, config_of


class SegformerB2(SegformerSegmenter):
    """Encoder MiT-B2."""

    name = "segformer_b2"
    summary = "SegFormer-B2 (Xie et al., 2021), of mmsegmentation"
    backbone_files = "SegFormer/mit_b2*.pth"
    config = config_of(64, (3, 4, 6, 3), 768)
