"""``bench.FusionMetrics``: the metrics as an object that a training loop updates, by torchmetrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.api.pictures import Pictures, split_batch, to_image
from bench.errors import BenchError
from bench.metrics.catalogue import chosen_metrics
from bench.metrics.facts import CAPPED

try:
    import torch
    from torch import Tensor
    from torchmetrics import Metric
except ImportError as error:
    raise BenchError(
        f"FusionMetrics needs torchmetrics ({error}); install it with: pip install 'ivif-bench[training]'"
    ) from error


class FusionMetrics(Metric):
    """Means of fusion metrics over all images seen, also over the processes of a distributed training.

    Images are compared as they would be written: 256 levels.

    Example:
        >>> import torch
        >>> metrics = FusionMetrics(metrics=["EN", "MSE"], data_range=1.0)
        >>> ir = torch.arange(64).expand(1, 1, 64, 64) / 63
        >>> metrics.update(ir, ir, ir)
        >>> {name: float(value) for name, value in metrics.compute().items()}
        {'EN': 6.0, 'MSE': 0.0}
    """

    sums: Tensor
    counts: Tensor
    full_state_update = False
    is_differentiable = False

    def __init__(
        self,
        metrics: Sequence[str] | str | None = None,
        convention: str = "standard",
        *,
        data_range: float | None = None,
        **settings: Any,
    ) -> None:
        """Chooses what is computed.

        Args:
            metrics: names; ``all``; None for the convention's default.
            convention: name, see ``bench list conventions``.
            data_range: of float input: the value that is white, 1 or 255.
            settings: of ``torchmetrics.Metric``, such as ``dist_sync_on_step``.

        Raises:
            BenchError: unknown names.
        """
        super().__init__(**settings)
        self.convention, self.data_range = convention, data_range
        self.names = chosen_metrics([convention], metrics)[convention]
        zeros = torch.zeros(len(self.names), dtype=torch.float64)
        self.add_state("sums", zeros.clone(), dist_reduce_fx="sum")
        self.add_state("counts", zeros.clone(), dist_reduce_fx="sum")

    def update(self, ir: Pictures, vis: Pictures, fused: Pictures) -> None:
        """Adds images: tensors (N, 1 or 3, H, W), or one image of each, see ``bench.evaluate``.

        A metric has no value of an image that is too small for it, and PSNR none of three equal images; the means are
        over the others.

        Raises:
            BenchError: images that are not what is wanted, or not as many of each.
        """
        from bench.metrics.engine import PairScorer

        batches = [
            batch if (batch := split_batch(images, name)) is not None else [images]
            for images, name in ((ir, "ir"), (vis, "vis"), (fused, "fused"))
        ]
        if len({len(batch) for batch in batches}) > 1:
            raise BenchError(f"ir, vis and fused are {', '.join(str(len(batch)) for batch in batches)} images")
        for triple in zip(*batches, strict=True):
            images = [
                to_image(each, name, self.data_range) for each, name in zip(triple, ("ir", "vis", "fused"), strict=True)
            ]
            scorer = PairScorer(images[0], images[1], (self.convention,), self.names)
            for value in scorer.score(images[2]):
                if value.value is not None and value.reason != CAPPED:
                    place = self.names.index(value.metric)
                    self.sums[place] += value.value
                    self.counts[place] += 1

    def compute(self) -> dict[str, Tensor]:
        """Metric name -> mean over all images seen, float64; NaN where there is none."""
        return dict(zip(self.names, self.sums / self.counts, strict=True))
