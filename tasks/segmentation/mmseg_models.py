"""Models of mmsegmentation as segmenters, on a current PyTorch: mmcv-lite plus the two operations that are missing.

mmsegmentation 1.2.2 imports ``mmcv.ops``, which only the full mmcv has, and that has no wheels for current PyTorch. A
small module with the two operations it calls takes that place; any other operation fails when it is first used.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from bench.errors import BenchError
from bench.machine import quiet_libraries
from bench.plugin.task import Segmenter
from bench.train.segmenter_step import split_parameters
from bench.weights.backbones import load_resnet18
from bench.weights.tensors import read_state_dict

if TYPE_CHECKING:
    pass

INSTALL = 'pip install "ivif-bench[segmentation]"'

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class MmsegSegmenter(Segmenter):
    """Base of an adapter: give it a ``config`` (an ``EncoderDecoder``) and, if it has a ResNet-18, where that is.

    Attributes:
        config: as in an mmsegmentation configuration's ``model``; ``num_classes`` of all heads is put in here.
        resnet18: dotted path of a ResNet-18 in the model, empty if it has none.
    """

    config: ClassVar[Mapping[str, Any]]
    resnet18: ClassVar[str] = ""
    normalisation = f"RGB in [0, 1] minus {IMAGENET_MEAN}, over {IMAGENET_STD}: mean and deviation of ImageNet"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.takes_backbone = bool(cls.resnet18 or cls.backbone_files)

    def build(self, classes: int, seed: int, backbone: Path | None = None) -> tuple[nn.Module, str]:
        """Builds the model; its own pre-trained weights are never fetched behind the user's back."""
        models = load_registry()
        with torch.random.fork_rng(devices=[]), quiet_libraries():
            torch.manual_seed(seed)
            model = models.build(_with_classes(self.config, classes))
            model.init_weights()
        if self.backbone_files:
            return MmsegNet(model), load_backbone(model.backbone, backbone)
        if not self.resnet18:
            return MmsegNet(model), "random"
        trunk = model.get_submodule(self.resnet18)
        parts = {name: trunk.get_submodule(name) for name in ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4")}
        return MmsegNet(model), load_resnet18(parts, backbone)

    def loss_weights(self) -> tuple[float, ...]:
        """The ``loss_weight`` of each head."""
        heads = [self.config["decode_head"], *_auxiliary(self.config)]
        return tuple(float(head["loss_decode"]["loss_weight"]) for head in heads)

    def parameter_groups(self, net: nn.Module, weight_decay: float) -> list[dict[str, object]]:
        """Weights decay, norms and biases do not; heads learn ten times faster."""
        return split_parameters(net, weight_decay, heads=("model.decode_head.", "model.auxiliary_head."))


def load_backbone(trunk: nn.Module, path: Path | None) -> str:
    """Fills a backbone from a file in mmsegmentation's own naming, and says what was done.

    Raises:
        BenchError: the file does not fit.
    """
    if path is None:
        return "random"
    try:
        trunk.load_state_dict(read_state_dict(path))
    except RuntimeError as error:
        text = " ".join(str(error).split())[:200]
        raise BenchError(f"{path}: not this backbone as mmsegmentation publishes it ({text})") from error
    return f"ImageNet ({path.name})"


class MmsegNet(nn.Module):
    """An ``EncoderDecoder`` that takes images in [0, 1] and returns the logits of all its heads in full size."""

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, H, W) in [0, 1] -> one (B, classes, H, W) per head, the main one first."""
        features = self.model.extract_feat((images - self.mean) / self.std)  # type: ignore[operator]
        auxiliary = getattr(self.model, "auxiliary_head", nn.ModuleList())
        heads = [self.model.decode_head, *(auxiliary if isinstance(auxiliary, nn.ModuleList) else [auxiliary])]
        return tuple(
            F.interpolate(head(features).float(), size=images.shape[-2:], mode="bilinear", align_corners=False)
            for head in heads
        )


def _auxiliary(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    heads = config.get("auxiliary_head", [])
    return list(heads) if isinstance(heads, (list, tuple)) else [heads]


def _with_classes(config: Mapping[str, Any], classes: int) -> dict[str, Any]:
    """A plain copy of a configuration with the number of classes in every head."""
    copied = {**config, "decode_head": {**config["decode_head"], "num_classes": classes}}
    if "auxiliary_head" in config:
        copied["auxiliary_head"] = [{**head, "num_classes": classes} for head in _auxiliary(config)]
    return copied


def load_registry() -> Any:
    """Mmsegmentation's registry of models.

    Raises:
        BenchError: it is not installed, or does not import.
    """
    try:
        with quiet_libraries():
            if not _has_operations():
                sys.modules["mmcv.ops"] = _operations()
            importlib.import_module("mmseg.models")
            return importlib.import_module("mmseg.registry").MODELS
    except ImportError as error:
        raise BenchError(f"this segmenter needs mmsegmentation ({error}); install it with {INSTALL}") from error


def _has_operations() -> bool:
    importlib.import_module("mmcv")
    try:
        importlib.import_module("mmcv.ops")
    except ImportError:
        return False
    return True


class _Operations(ModuleType):
    """``mmcv.ops`` as far as mmsegmentation calls it."""

    def __getattr__(self, name: str) -> type[nn.Module]:
        if name.startswith("__"):
            raise AttributeError(name)

        class Missing(nn.Module):
            def __init__(self, *_: object, **__: object) -> None:
                raise BenchError(
                    f"this mmsegmentation model needs the compiled operation mmcv.ops.{name}, which mmcv-lite lacks; "
                    "choose another model, or install the full mmcv for your PyTorch"
                )

        Missing.__name__ = name
        return Missing


def _operations() -> ModuleType:
    from torchvision.ops import sigmoid_focal_loss

    module = _Operations("mmcv.ops")
    vars(module).update(point_sample=point_sample, sigmoid_focal_loss=sigmoid_focal_loss)
    return module


def point_sample(features: Tensor, points: Tensor, align_corners: bool = False, **options: Any) -> Tensor:
    """Bilinear samples of (B, C, H, W) at points (B, P, 2) or (B, P, Q, 2), x and y from 0 to 1.

    Returns:
        (B, C, P) or (B, C, P, Q).
    """
    grid = points[:, :, None] if points.ndim == 3 else points
    sampled = F.grid_sample(features, grid * 2 - 1, align_corners=align_corners, **options)
    return sampled[..., 0] if points.ndim == 3 else sampled
