"""SeAFusion: the network against the authors' tensors and images, and that weights which do not fit are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from bench.errors import BenchError
from bench.fusion.harness import Fuser
from bench.images import read_image
from methods._nets.seafusion import SOBEL, SeAFusion
from methods.seafusion import SeaFusionMethod


def theirs() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the published checkpoint, from the paper's layer table (batch norms are never called)."""
    shapes: dict[str, tuple[int, ...]] = {}

    def conv(name: str, out: int, inside: int, kernel: int) -> None:
        shapes[f"{name}.conv.weight"], shapes[f"{name}.conv.bias"] = (out, inside, kernel, kernel), (out,)

    for branch in ("vis", "inf"):
        conv(f"{branch}_conv", 16, 1, 3)
        for number, inside, out in ((1, 16, 32), (2, 32, 48)):
            block = f"{branch}_rgbd{number}"
            conv(f"{block}.dense.conv1", inside, inside, 3)
            conv(f"{block}.dense.conv2", inside, 2 * inside, 3)
            conv(f"{block}.convdown", out, 3 * inside, 1)
            conv(f"{block}.convup", out, inside, 1)
            for axis in "xy":
                shapes[f"{block}.sobelconv.conv{axis}.weight"] = (inside, 1, 3, 3)
    for number, inside, out in ((4, 96, 64), (3, 64, 32), (2, 32, 16), (1, 16, 1)):
        conv(f"decode{number}", out, inside, 3)
        for name in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"decode{number}.bn.{name}"] = (out,)
        shapes[f"decode{number}.bn.num_batches_tracked"] = ()
    return shapes


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in the authors' format with random values."""
    generator = torch.Generator().manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "SeAFusion.pth"
    torch.save({name: torch.randn(shape, generator=generator) * 0.1 for name, shape in theirs().items()}, path)
    return path


def altered(checkpoint: Path, out: Path, **changes: Tensor | None) -> Path:
    tensors = torch.load(checkpoint, weights_only=True)
    for name, value in changes.items():
        key = name.replace("__", ".")
        if value is None:
            del tensors[key]
        else:
            tensors[key] = value
    torch.save(tensors, out)
    return out


def plain_forward(tensors: dict[str, Tensor], ir: Tensor, vis: Tensor) -> Tensor:
    """The forward pass written out with the authors' names, layer by layer, from the fact sheet."""
    import torch.nn.functional as F  # noqa: N812

    def conv(name: str, x: Tensor) -> Tensor:
        weight = tensors[f"{name}.conv.weight"]
        return F.conv2d(x, weight, tensors[f"{name}.conv.bias"], padding=weight.shape[-1] // 2)

    def block(name: str, x: Tensor) -> Tensor:
        channels = x.shape[1]
        a = F.leaky_relu(conv(f"{name}.dense.conv1", x), 0.2)
        b = F.leaky_relu(conv(f"{name}.dense.conv2", torch.cat([x, a], 1)), 0.2)
        gradient = sum(
            F.conv2d(x, tensors[f"{name}.sobelconv.conv{axis}.weight"], padding=1, groups=channels).abs()
            for axis in "xy"
        )
        main = conv(f"{name}.convdown", torch.cat([x, a, b], 1))
        return F.leaky_relu(main + conv(f"{name}.convup", gradient), 0.1)  # type: ignore[arg-type]

    streams = []
    for branch, image in (("vis", vis), ("inf", ir)):
        x = F.leaky_relu(conv(f"{branch}_conv", image), 0.2)
        streams.append(block(f"{branch}_rgbd2", block(f"{branch}_rgbd1", x)))
    x = torch.cat(streams, 1)
    for number in (4, 3, 2):
        x = F.leaky_relu(conv(f"decode{number}", x), 0.2)
    return torch.tanh(conv("decode1", x)) / 2 + 0.5


def test_the_network_equals_the_layers_written_out(checkpoint: Path, tmp_path: Path) -> None:
    save_file(SeaFusionMethod.convert([checkpoint]), tmp_path / "w.safetensors")
    method = SeaFusionMethod(tmp_path / "w.safetensors")
    generator = torch.Generator().manual_seed(1)
    ir, vis = (torch.rand(2, 1, 17, 23, generator=generator) for _ in range(2))
    with torch.inference_mode():
        seen = method.fuse(ir, vis)
        wanted = plain_forward(torch.load(checkpoint, weights_only=True), ir, vis)
    assert torch.allclose(seen, wanted, atol=1e-6)
    assert seen.min() > 0
    assert seen.max() < 1


def test_parameters_are_as_many_as_published() -> None:
    assert sum(parameter.numel() for parameter in SeAFusion().parameters()) == 166_657


def test_every_published_tensor_has_its_place(checkpoint: Path) -> None:
    stored = torch.load(checkpoint, weights_only=True)
    assert len([name for name in stored if ".bn." not in name]) == len(SeAFusion().state_dict())
    assert SeaFusionMethod.convert([checkpoint]).keys() == SeAFusion().state_dict().keys()


def test_gradient_kernels_start_as_sobel_and_learn() -> None:
    block = SeAFusion().ir.block1.gradient
    assert block is not None
    assert torch.equal(block.horizontal.weight[3, 0], torch.tensor(SOBEL))
    assert torch.equal(block.vertical.weight[5, 0], torch.tensor(SOBEL).T)
    assert block.horizontal.weight.requires_grad


def test_without_gradient_streams_the_weights_say_so(tmp_path: Path) -> None:
    net = SeAFusion(gradient_stream=False)
    assert sum(parameter.numel() for parameter in net.parameters()) < 166_657
    save_file(net.state_dict(), tmp_path / "w.safetensors")
    method = SeaFusionMethod(tmp_path / "w.safetensors")
    image = torch.rand(1, 1, 8, 8)
    with torch.inference_mode():
        assert torch.equal(method.fuse(image, image), net(image, image))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"decode1__conv__weight": None}, r"has no tensor 'decode1\.weight'"),
        ({"vis_conv__conv__bias": torch.zeros(8)}, r"'vis\.head\.bias' is of shape \(8,\), wanted \(16,\)"),
    ],
)
def test_weights_that_do_not_fit_are_named(
    checkpoint: Path, tmp_path: Path, changes: dict[str, Tensor | None], message: str
) -> None:
    with pytest.raises(BenchError, match=message):
        SeaFusionMethod.convert([altered(checkpoint, tmp_path / "bad.pth", **changes)])


def test_tensors_of_another_network_are_refused(tmp_path: Path) -> None:
    save_file({**SeAFusion().state_dict(), "extra.weight": torch.zeros(1)}, tmp_path / "w.safetensors")
    with pytest.raises(BenchError, match=r"tensor 'extra\.weight' is unknown, wanted SeAFusion's alone"):
        SeaFusionMethod(tmp_path / "w.safetensors")


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(b"not a checkpoint")
    with pytest.raises(BenchError, match="not a readable PyTorch checkpoint"):
        SeaFusionMethod.convert([tmp_path / "x.pth"])
    with pytest.raises(BenchError, match="not a readable safetensors file"):
        SeaFusionMethod(tmp_path / "x.pth")


@pytest.mark.parametrize(("folder", "names"), [("TNO", ("05",)), ("MSRS/test", ("00131D",))])
def test_published_images_come_out(shared: Path, tmp_path: Path, folder: str, names: tuple[str, ...]) -> None:
    tensors = SeaFusionMethod.convert([shared / "weights/published/SeAFusion/SeAFusion.pth"])
    save_file(tensors, tmp_path / "w.safetensors")
    fuser = Fuser(SeaFusionMethod(tmp_path / "w.safetensors"))
    published = "tno_published" if folder == "TNO" else "msrs_published"
    for name in names:
        reference = shared / "reference" / published / "SeAFusion" / f"{name}.png"
        images = (read_image(shared / "data" / folder / kind / f"{name}.png") for kind in ("ir", "vi"))
        seen = fuser.fuse_pair(*images).astype(int)
        with Image.open(reference) as file:
            difference = np.abs(seen - np.asarray(file.convert("RGB")))
        assert difference.max() <= 1
        assert (difference > 0).mean() < 1e-4
