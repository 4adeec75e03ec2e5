"""BiSeNetV1 (Yu et al., 2018) with ResNet-18, built by mmsegmentation; needs the extra ``segmentation``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tasks.segmentation.mmseg_models import MmsegSegmenter

NORM = {"type": "BN", "requires_grad": True}


def _head(in_channels: int, in_index: int, channels: int) -> dict[str, object]:
    return {
        "type": "FCNHead", "in_channels": in_channels, "in_index": in_index, "channels": channels, "num_convs": 1,
        "concat_input": False, "dropout_ratio": 0.1, "norm_cfg": NORM, "align_corners": False,
        "loss_decode": {"type": "CrossEntropyLoss", "use_sigmoid": False, "loss_weight": 1.0},
    }  # fmt: skip


class BisenetV1Segmenter(MmsegSegmenter):
    """mmsegmentation's ``bisenetv1_r18-d32``: a spatial and a context path, three outputs."""

    name = "bisenetv1"
    summary = "BiSeNetV1, ResNet-18, of mmsegmentation"
    resnet18 = "backbone.context_path.backbone"
    config: ClassVar[Mapping[str, Any]] = {
        "type": "EncoderDecoder",
        "data_preprocessor": None,
        "backbone": {
            "type": "BiSeNetV1", "in_channels": 3, "context_channels": (128, 256, 512),
            "spatial_channels": (64, 64, 64, 128), "out_indices": (0, 1, 2), "out_channels": 256,
            "backbone_cfg": {
                "type": "ResNet", "in_channels": 3, "depth": 18, "num_stages": 4, "out_indices": (0, 1, 2, 3),
                "dilations": (1, 1, 1, 1), "strides": (1, 2, 2, 2), "norm_cfg": NORM, "norm_eval": False,
                "style": "pytorch", "contract_dilation": True,
            },
            "norm_cfg": NORM, "align_corners": False, "init_cfg": None,
        },
        "decode_head": _head(256, 0, 256),
        "auxiliary_head": [_head(128, 1, 64), _head(128, 2, 64)],
        "train_cfg": {},
        "test_cfg": {"mode": "whole"},
    }  # fmt: skip
