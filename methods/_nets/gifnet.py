"""GIFNet: one network for several fusion tasks, its infrared-visible path (Cheng et al., 2025, sec. 3)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from methods._nets.blocks import Conv
from methods._nets.transformer import attend, from_windows, to_windows

GROWTH = 32
WIDTH = 2 + 3 * GROWTH
HEADS = 2
WINDOW = 8
SHIFT = 4
PATCH = 4
"""Features are mirrored at the right and bottom to a multiple of this."""

EPSILON = 1e-5
LOCAL = 5
"""Size of the convolution beside the attention."""

BAND = 4 * WINDOW
"""Rows that are worked on together: queries, keys and scores of a whole image would take gigabytes."""


class ImageNorm(nn.Module):
    """One mean and one deviation for all of a sample; both also give a scale and a shift per channel for later."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.scale, self.shift = nn.Linear(1, width), nn.Linear(1, width)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The normalised map (B, H, W, C), scale and shift (B, 1, 1, C)."""
        mean = x.mean((1, 2, 3), keepdim=True)
        centred = x - mean
        deviation = (centred.square().mean((1, 2, 3), keepdim=True) + EPSILON).sqrt()
        return centred.div_(deviation).mul_(self.weight).add_(self.bias), self.scale(deviation), self.shift(mean)


class Path(nn.Module):
    """What one task brings to a block: norm, value, the convolution beside the attention, projection, perceptron."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = ImageNorm(width)
        self.value, self.project = nn.Linear(width, width), nn.Linear(width, width)
        self.local = nn.Conv2d(width, width, LOCAL, padding=LOCAL // 2, padding_mode="reflect", groups=width)
        self.expand, self.shrink = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def finish(self, x: Tensor, attended: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """Adds what was attended to, scaled and shifted, then the perceptron, which has no norm before it."""
        for rows, found in zip(x.split(BAND, dim=1), attended.split(BAND, dim=1), strict=True):
            rows.add_(self.project(found).mul_(scale)).add_(shift)
            rows.add_(self.shrink(functional.relu_(self.expand(rows))))
        return x


class PositionBias(nn.Module):
    """Biases (heads, query, key) from the logarithms of the offsets within a window (Liu et al., Swin v2, 2022)."""

    def __init__(self, heads: int, hidden: int = 256) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, heads))
        cells = torch.cartesian_prod(torch.arange(WINDOW), torch.arange(WINDOW))
        offsets = (cells[:, None] - cells[None]).float()
        self.register_buffer("offsets", offsets.sign() * offsets.abs().log1p())

    def forward(self) -> Tensor:
        return self.layers(self.get_buffer("offsets")).permute(2, 0, 1)


class Block(nn.Module):
    """Attention in windows and a perceptron, for one task; the windows of a shifted block start before the image."""

    def __init__(self, width: int, shift: int) -> None:
        super().__init__()
        self.shift = shift
        self.own = Path(width)
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.bias = PositionBias(HEADS)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C), which is written over."""
        normed, scale, shift = self.own.norm(x)
        return self.own.finish(x, self.attend(self.own, normed, normed, self.key), scale, shift)

    def attend(self, path: Path, asking: Tensor, normed: Tensor, key: nn.Linear) -> Tensor:
        """Attention and local convolution of one task.

        Args:
            path: makes values of ``normed``, and the local convolution of them.
            asking: normalised map (B, H, W, C) that queries are made of.
            normed: normalised map that keys and values are made of.
            key: makes the keys.
        """
        value = path.value(normed)
        local = path.local(value.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        bias, width = self.bias(), value.shape[2]
        bands = zip(*(self._mirror(x).split(BAND, dim=1) for x in (asking, normed, value)), strict=True)
        for index, (for_query, for_key, values) in enumerate(bands):
            query, keys = to_windows(self.query(for_query), WINDOW), to_windows(key(for_key), WINDOW)
            windows = attend(query, keys, to_windows(values, WINDOW), HEADS, bias)
            found = from_windows(windows, WINDOW, values.shape[1], values.shape[2])
            top = index * BAND - self.shift
            rows = local[:, max(top, 0) : top + BAND]
            first = max(-top, 0)
            rows.add_(found[:, first : first + rows.shape[1], self.shift : self.shift + width])
        return local

    def _mirror(self, x: Tensor) -> Tensor:
        """Mirrors a map (B, H, W, C) until windows fill it."""
        edges = [edge for size in (x.shape[2], x.shape[1]) for edge in (self.shift, (-size - self.shift) % WINDOW)]
        return functional.pad(x.permute(0, 3, 1, 2), edges, mode="reflect").permute(0, 2, 3, 1) if any(edges) else x


class Tasks(nn.Module):
    """Two blocks on the features of both tasks; of the infrared-visible one only what flows into the other is needed.

    The statistics of the norms span the image: a part of it is fused otherwise than the whole.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed_ivif, self.embed_mfif = (Conv(width, width, activation="none") for _ in range(2))
        self.first, self.second = Block(width, 0), Block(width, SHIFT)
        self.ivif = Path(width)
        self.key = nn.Linear(width, width)
        self.share = nn.Parameter(torch.full((1,), 0.1))
        self.last = Conv(width, width, activation="none")

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        height, width = x.shape[-2:]
        if height % PATCH or width % PATCH:
            x = functional.pad(x, (0, -width % PATCH, 0, -height % PATCH), mode="reflect")
        maps = (embed(x).permute(0, 2, 3, 1).contiguous() for embed in (self.embed_ivif, self.embed_mfif))
        x = self.second(self.join(*maps)).permute(0, 3, 1, 2)
        return self.last(x)[..., :height, :width]

    def join(self, ivif: Tensor, mfif: Tensor) -> Tensor:
        """The first block: both tasks, whose queries are the multi-focus task's; both maps are written over."""
        block, own = self.first, self.first.own
        asking, scale, shift = own.norm(mfif)
        own.finish(mfif, block.attend(own, asking, asking, block.key), scale, shift)
        normed, scale, shift = self.ivif.norm(ivif)
        self.ivif.finish(ivif, block.attend(self.ivif, asking, normed, self.key), scale, shift)
        return mfif.add_(ivif.mul_(self.share))


class GIFNet(nn.Module):
    """Infrared and visible luma in [0, 1] -> fused luma in (0, 1); 652,676 parameters act and are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.ModuleList(Conv(2 + GROWTH * count, GROWTH) for count in range(3))
        self.tasks = Tasks(WIDTH)
        self.complement = nn.Sequential(
            nn.Conv2d(2 * WIDTH, WIDTH, 1, bias=False), nn.ReLU(inplace=True), nn.Conv2d(WIDTH, 128, 1, bias=False)
        )
        self.decoder = nn.Sequential(Conv(128, 64), Conv(64, 32), Conv(32, 16), Conv(16, 1, activation="tanh"))

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuses (B, 1, H, W) each; their order matters."""
        features = torch.cat([ir, vis], dim=1)
        for layer in self.shared:
            features = torch.cat([features, layer(features)], dim=1)
        features = torch.cat([features, self.tasks(features)], dim=1)
        return self.decoder(self.complement(features)) / 2 + 0.5


RENAMED = (
    *((f"getSharedFeatures.conv_{number + 1}.conv2d.", f"shared.{number}.") for number in range(3)),
    ("extractor_multask.SwinTransformerSpecific.", "tasks."), (".patch_embed_ivif.proj.", ".embed_ivif."),
    (".patch_embed_mfif.proj.", ".embed_mfif."), (".patch_unembed.proj.0.", ".last."),
    (".layer1.weights_mfif.0", ".share"), ("cnnDecoder.fuseComplementFeatures.mlp.", "complement."),
    *((f"cnnDecoder.decoder.{3 * number + 1}.", f"decoder.{number}.") for number in range(4)),
    (".layer1.blocks.0.attn.key_ivif.", ".key."), (".layer1.", "."),
    (".attn.attn.meta.", ".bias.layers."), (".attn.attn.relative_positions", ".bias.offsets"),
    (".attn.query_mfif.", ".query."), (".attn.key_mfif.", ".key."),
    *(
        (f"{block}.{theirs}", f"{path}.{ours}")
        for end, path, block in (("_mfif", ".own", ""), ("", "tasks.ivif", "tasks.blocks.0"))
        for theirs, ours in (
            (f"norm1{end}.meta1.", "norm.scale."), (f"norm1{end}.meta2.", "norm.shift."), (f"norm1{end}.", "norm."),
            (f"attn.conv{end}.", "local."), (f"attn.V{end}.", "value."), (f"attn.proj{end}.", "project."),
            (f"mlp{end}.mlp.0.", "expand."), (f"mlp{end}.mlp.2.", "shrink."),
        )
    ),
    (".blocks.0.", ".first."), (".blocks.1.", ".second."),
)  # fmt: skip
"""The authors' names of tensors, after ``as_linear``, -> ours, applied in this order."""


def as_linear(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The authors' tensors with queries and keys apart, and without the last axes of length one in the blocks."""
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        flat = tensor
        if ".layer1." in name and tensor.shape[2:] == (1, 1):
            flat = tensor.flatten(1) if len(tensor) > 1 else tensor.flatten()
        if ".attn.QK" in name:
            kind = "_mfif" if ".QK_mfif." in name else "_ivif"
            stem, end = name.split(f".QK{kind.removesuffix('_ivif')}.")
            found |= {
                f"{stem}.{part}{kind}.{end}": half for part, half in zip(("query", "key"), flat.chunk(2), strict=True)
            }
        else:
            found[name] = flat
    return found
