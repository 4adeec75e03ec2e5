"""What a training must know of its data set besides the images: the classes, and a digest that tells sets apart."""

from __future__ import annotations

from collections.abc import Sequence

from bench.data.pairs import pair_digest, truth_digest
from bench.data.spec import load_datasets
from bench.errors import BenchError
from bench.files import digest
from bench.plugin.method import TrainRequest
from bench.types import PairFiles


def class_names(request: TrainRequest) -> tuple[str, ...]:
    """The classes of the labels, in order of their ids.

    Raises:
        BenchError: the data set has no classes or labels.
    """
    spec = load_datasets().get(request.dataset.partition(":")[0])
    classes = request.classes or (spec.classes if spec else ())  # a request made by hand may name a built-in data set
    if not classes:
        raise BenchError(
            f"data set {request.dataset!r} has no segmentation classes in its description; "
            "choose one with labels (mfnet, demo), give the option classes=N, or leave the semantic loss out"
        )
    if request.pairs and request.pairs[0].label_path is None:
        name = f"{request.dataset} {request.pairs[0].id}"
        raise BenchError(f"{name}: has no segmentation labels; fetch them or choose another data set")
    return classes


def set_digest(pairs: Sequence[PairFiles]) -> str:
    """A digest of names and contents, images and labels, in order: a changed label of equal size is another set."""
    return digest(*(part for files in pairs for part in (*files.key, pair_digest(files), truth_digest(files))))
