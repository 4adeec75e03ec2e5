"""What a training must know of its data set besides the images: the classes, and a digest that tells sets apart."""

from __future__ import annotations

from collections.abc import Sequence

from bench.data.pairs import pair_digest, truth_digest
from bench.data.spec import load_datasets
from bench.errors import BenchError
from bench.files import digest
from bench.types import PairFiles


def class_names(dataset: str, pairs: Sequence[PairFiles]) -> tuple[str, ...]:
    """The classes of the labels, in order of their ids.

    Args:
        dataset: its name in ``datasets.yaml``.
        pairs: for the message.

    Raises:
        BenchError: the data set is not described, or has no classes or labels.
    """
    spec = load_datasets().get(dataset)
    if spec is None or not spec.classes:
        raise BenchError(
            f"data set {dataset!r} has no segmentation classes in datasets.yaml; "
            "choose one with labels (mfnet, demo), give the option classes=N, or leave the semantic loss out"
        )
    if pairs and pairs[0].label_path is None:
        raise BenchError(f"{dataset} {pairs[0].id}: has no segmentation labels; fetch them or choose another data set")
    return spec.classes


def set_digest(pairs: Sequence[PairFiles]) -> str:
    """A digest of names and contents, images and labels, in order: a changed label of equal size is another set."""
    return digest(*(part for files in pairs for part in (*files.key, pair_digest(files), truth_digest(files))))
