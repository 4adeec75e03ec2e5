"""SegFormer-B3 of mmsegmentation, 47.3 million parameters; needs the extra ``segmentation``."""

from __future__ import annotations

from tasks.segmentation.segformer import SegformerSegmenter, config_of


class SegformerB3(SegformerSegmenter):
    """Encoder MiT-B3."""

    name = "segformer_b3"
    summary = "SegFormer-B3 (Xie et al., 2021), of mmsegmentation"
    backbone_files = "SegFormer/mit_b3*.pth"
    config = config_of(64, (3, 4, 18, 3), 768)
