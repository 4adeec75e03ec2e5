"""Fusing pairs anew as a pack says its run did, for ``bench verify --recompute``."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from bench.errors import BenchError
from bench.fusion.harness import Fuser
from bench.machine import pick_device
from bench.plugin.kinds import METHODS
from bench.store.pack import PackedMethod
from bench.types import Image, Pair
from bench.weights.find import resolve


class Recompute:
    """A method of a pack, the run's seed and a pair -> the image that the run must have made of it."""

    def __init__(self, weights_root: Path | None = None, device: str = "auto") -> None:
        """Takes the verifier's weights and device.

        Args:
            weights_root: folder of published weights; None looks where ``bench run`` looks.
            device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        """
        self.weights_root, self.device = weights_root, pick_device(device)
        self._fuser = lru_cache(maxsize=2)(self._load)

    def __call__(self, method: PackedMethod, seed: int, pair: Pair) -> Image:
        """Fuses.

        Raises:
            BenchError: the method is not here, or the verifier's weights are not those of the run.
        """
        return self._fuser(method.model_dump_json(), seed).fuse_pair(pair.ir, pair.vis)

    def _load(self, text: str, seed: int) -> Fuser:
        method = PackedMethod.model_validate_json(text)
        cls = METHODS.get(method.name.replace("-", ":", 1))
        resolved = resolve(cls, self.weights_root)
        wanted, found = {file.sha256 for file in method.weights}, {file["sha256"] for file in resolved.files}
        if wanted != found:
            raise BenchError(
                f"{method.name}: the run loaded {_in_words(wanted)} ({method.origin}), here is {_in_words(found)} "
                f"({resolved.origin}); only the same weights make the same images"
            )
        return Fuser(
            cls(resolved.path, self.device), way="plain" if method.way == "plain" else "published", seed=seed,
            precision="fast" if method.precision == "fast" else "exact",
        )  # fmt: skip


def _in_words(digests: set[str]) -> str:
    return ", ".join(f"weights {digest[:12]}" for digest in sorted(digests)) or "no weights"
