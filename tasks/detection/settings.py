"""The task's options, ``--option detection.NAME=VALUE``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from bench.errors import BenchError

ORIGINAL = re.compile(r"^yolov5[nsmlx]6?$")
"""Names of checkpoints of the original YOLOv5; those of the ultralytics package end in ``u``."""

EPOCHS = {"smoke": 1, "quick": 20, "paper": 100}
"""Of fine-tuning, by preset."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What may be chosen.

    Attributes:
        model: name or file of the detector's weights; ``yolov5n``.
        detector: which plug-in runs it; empty takes ``yolov5`` for the original's names and ``ultralytics`` otherwise.
        finetune: True trains the detector on each method's fused training images first.
        epochs: of fine-tuning; 0 takes the preset's.
        pictures: False draws none.
        padding: ``stride``: sides are padded to a multiple of the detector's stride; ``val``: as the rectangular
            inference of YOLOv5's ``val.py``, half a stride more and rounded up, the longer side stretched to full size.
    """

    model: str = "yolov5n"
    detector: str = ""
    finetune: bool = False
    epochs: int = 0
    pictures: bool = True
    padding: str = "stride"

    def epochs_for(self, preset: str) -> int:
        """Epochs of fine-tuning; 0 where there is none."""
        return (self.epochs or EPOCHS.get(preset, EPOCHS["quick"])) if self.finetune else 0

    @property
    def plug_in(self) -> str:
        """The detector's name in the registry."""
        if self.detector:
            return self.detector
        return "yolov5" if ORIGINAL.match(self.model.rpartition("/")[2].removesuffix(".pt")) else "ultralytics"


OPTIONS = tuple(field.name for field in fields(Settings))
"""What may be set."""


def read_settings(options: Mapping[str, str]) -> Settings:
    """Options as given, checked.

    Raises:
        BenchError: an unknown option, or a value that is none.
    """
    for name in options:
        if name not in OPTIONS:
            raise BenchError(f"option detection.{name} is unknown, wanted one of {', '.join(sorted(OPTIONS))}")
    epochs = options.get("epochs", "0")
    if not epochs.isdecimal():
        raise BenchError(f"option detection.epochs is {epochs!r}, wanted a whole number")
    padding = options.get("padding", "stride")
    if padding not in ("stride", "val"):
        raise BenchError(f"option detection.padding is {padding!r}, wanted stride or val")
    return Settings(
        model=options.get("model", "yolov5n"),
        detector=options.get("detector", ""),
        finetune=_switch("finetune", options.get("finetune", "false")),
        epochs=int(epochs),
        pictures=_switch("pictures", options.get("pictures", "true")),
        padding=padding,
    )


def _switch(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise BenchError(f"option detection.{name} is {text!r}, wanted true or false")
    return text.lower() == "true"
