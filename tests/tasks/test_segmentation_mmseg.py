"""BiSeNetV1 of mmsegmentation trains and is scored in the same runner; what is missing is said."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from bench.data.catalogue import open_dataset
from bench.errors import BenchError
from bench.plugin.kinds import SEGMENTERS
from bench.plugin.task import FusedSet, Job
from tasks.segmentation import SegmentationTask, mmseg_models
from tasks.segmentation.segmenters.bisenetv1 import BisenetV1Segmenter


@pytest.fixture(autouse=True)
def _needs_mmseg() -> None:
    pytest.importorskip("mmengine")


def test_bisenet_is_built_with_all_its_outputs() -> None:
    segmenter = SEGMENTERS.get("bisenetv1")()
    net, initial = segmenter.build(9, seed=0)
    assert initial == "random"
    assert round(sum(parameter.numel() for parameter in net.parameters()) / 1e6, 2) == 13.42
    outputs = net(torch.rand(2, 3, 32, 48))
    assert [tuple(output.shape) for output in outputs] == [(2, 9, 32, 48)] * 3
    assert segmenter.loss_weights() == (1.0, 1.0, 1.0)
    scales = {group["lr_scale"] for group in segmenter.parameter_groups(net, 5e-4)}
    assert scales == {1.0, 10.0}
    again, _ = segmenter.build(9, seed=0)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), again.parameters(), strict=True))


def test_its_backbone_takes_imagenet_weights(tmp_path: Path) -> None:
    from torchvision.models import resnet18

    source = resnet18(weights=None)
    torch.save(source.state_dict(), tmp_path / "resnet18.pth")
    net, initial = BisenetV1Segmenter().build(9, 0, tmp_path / "resnet18.pth")
    assert initial == "ImageNet (resnet18.pth)"
    trunk = net.get_submodule("model.backbone.context_path.backbone")
    assert torch.equal(trunk.layer3[0].downsample[0].weight, source.layer3[0].downsample[0].weight)  # type: ignore[union-attr, index]


def test_bisenet_trains_and_is_scored(msrs: Path, tmp_path: Path) -> None:
    dataset = open_dataset("mfnet", msrs)
    parts = {}
    for split in ("train", "test"):
        files = tuple(dataset.listing(split).pairs)
        parts[split] = FusedSet("visible", files, tuple(item.vis_path for item in files))
    options = {"segmenter": "bisenetv1", "steps": "2", "batch": "2", "image_scale": "1"}
    job = Job(
        "mfnet", dataset.spec, "visible", parts, tmp_path, "smoke", 0, "cpu", options=options, train_precision="float32"
    )
    rows = list(SegmentationTask().run(job))
    whole = [row for row in rows if row.convention == "single_scale"]
    assert [row.metric for row in whole] == ["IoU"] * 9 + ["mIoU", "mAcc"]
    assert SegmentationTask().fingerprint(job) != SegmentationTask().fingerprint(replace(job, options={}))


def test_points_are_sampled_as_by_the_missing_operation() -> None:
    features = torch.rand(1, 2, 4, 5)
    points = torch.tensor([[[0.5 / 5, 0.5 / 4], [0.5, 0.5]]])
    seen = mmseg_models.point_sample(features, points)
    assert seen.shape == (1, 2, 2)
    assert torch.allclose(seen[0, :, 0], features[0, :, 0, 0])
    assert torch.allclose(seen[0, :, 1], features[0, :, 1:3, 2].mean(1))
    assert mmseg_models.point_sample(features, points[:, :, None]).shape == (1, 2, 2, 1)


def test_the_stand_in_has_the_two_operations_and_refuses_others() -> None:
    operations = mmseg_models._operations()
    logits = torch.zeros(2, 3)
    assert operations.sigmoid_focal_loss(logits, F.one_hot(torch.tensor([0, 1]), 3).float()).shape == (2, 3)
    with pytest.raises(BenchError, match=r"compiled operation mmcv\.ops\.DeformConv2d"):
        operations.DeformConv2d(3, 3)


def test_a_missing_mmsegmentation_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mmseg.models", None)
    with pytest.raises(BenchError, match=r'needs mmsegmentation .* pip install "ivif-bench\[segmentation\]"'):
        BisenetV1Segmenter().build(9, 0)
