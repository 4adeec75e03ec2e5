"""SegFormer (Xie et al., 2021), built by mmsegmentation; needs the extra ``segmentation``.

The architecture alone: its authors' ImageNet weights are for non-commercial use and are never fetched here. Where a
user has put mmsegmentation's copy of them (``mit_b0_20220624-7e0fe6dd.pth``) into ``SegFormer/`` below the weights
root, the training starts from it.

References:
    E. Xie et al., SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers, NeurIPS 2021:
    table 6 (the encoders), section 4.1 (AdamW, 6e-5, poly schedule with power 1, heads ten times faster).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from bench.train.segmenter_schedule import SegmenterSchedule
from tasks.segmentation.mmseg_models import MmsegSegmenter

RATE, WEIGHT_DECAY, WARMUP_STEPS = 6e-5, 0.01, 1500
SHORT_RATE = 5e-4
"""The most that the transformer bears from random weights."""


def config_of(width: int, depths: tuple[int, int, int, int], decoder: int) -> Mapping[str, Any]:
    """An encoder-decoder as mmsegmentation builds it.

    Args:
        width: channels of the first stage.
        depths: blocks of the four stages.
        decoder: channels of the all-MLP decoder.
    """
    heads = (1, 2, 5, 8)
    return {
        "type": "EncoderDecoder",
        "data_preprocessor": None,
        "backbone": {
            "type": "MixVisionTransformer", "in_channels": 3, "embed_dims": width, "num_stages": 4,
            "num_layers": list(depths), "num_heads": list(heads), "patch_sizes": [7, 3, 3, 3],
            "sr_ratios": [8, 4, 2, 1], "out_indices": (0, 1, 2, 3), "mlp_ratio": 4, "qkv_bias": True,
            "drop_rate": 0.0, "attn_drop_rate": 0.0, "drop_path_rate": 0.1,
        },
        "decode_head": {
            "type": "SegformerHead", "in_channels": [width * count for count in heads], "in_index": [0, 1, 2, 3],
            "channels": decoder, "dropout_ratio": 0.1, "norm_cfg": {"type": "BN", "requires_grad": True},
            "align_corners": False,
            "loss_decode": {"type": "CrossEntropyLoss", "use_sigmoid": False, "loss_weight": 1.0},
        },
        "train_cfg": {},
        "test_cfg": {"mode": "whole"},
    }  # fmt: skip


class SegformerSegmenter(MmsegSegmenter):
    """Base of the sizes: give it a ``config``."""

    config: ClassVar[Mapping[str, Any]] = {}

    def schedule(self, asked: SegmenterSchedule) -> SegmenterSchedule:
        """AdamW in place of SGD, which a transformer does not learn by; short schedules keep theirs, more slowly."""
        if asked.optimiser == "adamw":
            return replace(asked, rate=min(asked.rate, SHORT_RATE), warmup_from=min(asked.warmup_from, SHORT_RATE / 10))
        warmup = min(0.1, WARMUP_STEPS / asked.steps)
        return replace(
            asked, optimiser="adamw", rate=RATE, warmup=warmup, warmup_from=RATE * 1e-3, power=1.0,
            weight_decay=WEIGHT_DECAY, hard_pixels=False,
        )  # fmt: skip
