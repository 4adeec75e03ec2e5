"""What the adapters of networks have in common: built, loaded, run and read from their authors' files in one way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from torch import Tensor, nn

from bench.plugin.method import Method
from bench.weights.tensorflow import convert_tensorflow
from bench.weights.tensors import read_state_dict, shapes
from methods._nets.blocks import load_net, pick


class NetMethod(Method):
    """A method that is one network, ``self.net``; an adapter says which, and what its authors call the tensors.

    Attributes:
        network: the network's class.
        takes: class attributes that it is built with, such as the rule of a variant.
        symmetric: the network takes and gives [-1, 1] where ``fuse`` has [0, 1].
        renamed: text in the authors' names of tensors -> ours, applied in this order.
        names: of a TensorFlow checkpoint, our tensor -> the authors'; where given, ``renamed`` is not used.
    """

    network: ClassVar[type[nn.Module]]
    takes: ClassVar[tuple[str, ...]] = ()
    symmetric: ClassVar[bool] = False
    renamed: ClassVar[Sequence[tuple[str, str]]] = ()
    names: ClassVar[Mapping[str, str]] = {}

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights, device)
        net = load_net(self.build, weights, device)
        self.net = net.double() if self.dtype == "float64" else net

    @classmethod
    def build(cls) -> nn.Module:
        """The network, with whatever values PyTorch begins with."""
        return cls.network(*(getattr(cls, name) for name in cls.takes))

    def fuse(self, ir: Tensor, vis: Tensor) -> Tensor:
        """See ``Method.fuse``; infrared is the network's first input."""
        if self.symmetric:
            fused: Tensor = (self.net(2 * ir - 1, 2 * vis - 1) + 1) / 2
            return fused
        return self.net(ir, vis)

    @classmethod
    def read(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """The tensors of the authors' PyTorch files, under names that ``renamed`` turns into ours.

        Raises:
            BenchError: a file is not readable.
        """
        return {name: tensor for path in paths for name, tensor in read_state_dict(path).items()}

    @classmethod
    def convert(cls, paths: Sequence[Path]) -> dict[str, Tensor]:
        """See ``Method.convert``; what the network does not use (optimisers, parts for training) is left out."""
        if cls.names:
            return convert_tensorflow(paths, cls.names, shapes(cls.build()))
        return pick(cls.read(paths), cls.build, cls.renamed, paths[0] if len(paths) == 1 else paths[0].parent)


def layers_of(scopes: Mapping[str, str], weight: str = "kernel", bias: str = "bias") -> dict[str, str]:
    """Our layers -> scopes of a TensorFlow checkpoint, as our tensors -> theirs.

    Args:
        scopes: ``{"first": "encoder/conv1_1"}``.
        weight: what they call a layer's kernel.
        bias: what they call its bias.
    """
    kinds = {"weight": weight, "bias": bias}
    return {f"{layer}.{ours}": f"{scope}/{theirs}" for layer, scope in scopes.items() for ours, theirs in kinds.items()}
