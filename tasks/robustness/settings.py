"""The task's options, ``--option robustness.NAME=VALUE``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from bench.errors import BenchError, suggest
from bench.metrics.catalogue import chosen_metrics
from bench.plugin.settings import refuse_unknown
from tasks.robustness.corruptions import CORRUPTIONS, SEVERITIES


@dataclass(frozen=True)
class Settings:
    """What may be chosen.

    Attributes:
        corruptions: names.
        severities: of those corruptions that have several.
        conventions: of the metrics against the clean pair.
        metrics: names; empty for each convention's default.
        detection: ``auto``: AP where pairs have boxes and the detector is here; ``true``: it must be; ``false``: none.
        model: the detector, as the detection task names it.
        pictures: pairs whose images along the ladder are kept for the viewer.
    """

    corruptions: tuple[str, ...] = tuple(CORRUPTIONS)
    severities: tuple[int, ...] = SEVERITIES
    conventions: tuple[str, ...] = ("standard",)
    metrics: tuple[str, ...] = ()
    detection: str = "auto"
    model: str = "yolov5n"
    pictures: int = 2

    @property
    def chosen(self) -> dict[str, tuple[str, ...]]:
        """Convention -> metrics."""
        return chosen_metrics(self.conventions, list(self.metrics) or None)

    @property
    def ladders(self) -> dict[str, tuple[int, ...]]:
        """Corruption -> its severities, from 1; one that has just one is measured whatever severities are chosen."""
        found = {}
        for name in self.corruptions:
            known = CORRUPTIONS[name].severities
            found[name] = tuple(one for one in self.severities if one in known) if len(known) > 1 else known
        return found


OPTIONS = tuple(field.name for field in fields(Settings))
"""What may be set."""


def read_settings(options: Mapping[str, str]) -> Settings:
    """Options as given, checked.

    Raises:
        BenchError: an unknown option, or a value that is none.
    """
    refuse_unknown("robustness", options, OPTIONS)
    given = {
        name: tuple(_words(options[name])) for name in ("corruptions", "conventions", "metrics") if name in options
    }
    for name in given.get("corruptions", ()):
        if name not in CORRUPTIONS:
            raise BenchError(f"option robustness.corruptions: unknown {name!r}{suggest(name, CORRUPTIONS)}")
    for name in ("corruptions", "conventions"):
        if name in given and not given[name]:
            raise BenchError(f"option robustness.{name} names none, wanted names by comma")
    numbers = {name: _numbers(name, options[name]) for name in ("severities", "pictures") if name in options}
    detection = options.get("detection", "auto")
    if detection not in ("auto", "true", "false"):
        raise BenchError(f"option robustness.detection is {detection!r}, wanted auto, true or false")
    severities = tuple(sorted(set(numbers.get("severities", SEVERITIES)) - {0}))
    if not severities or not set(severities) <= set(SEVERITIES):
        raise BenchError(f"option robustness.severities is {options['severities']!r}, wanted some of 1, 2, 3, 4, 5")
    settings = Settings(
        **given, severities=severities, detection=detection, model=options.get("model", Settings.model),
        pictures=numbers["pictures"][0] if "pictures" in numbers else Settings.pictures,
    )  # fmt: skip
    _ = settings.chosen  # raises where there is no such metric
    return settings


def _words(text: str) -> Iterable[str]:
    return dict.fromkeys(word.strip() for word in text.split(",") if word.strip())


def _numbers(name: str, text: str) -> tuple[int, ...]:
    words = tuple(_words(text))
    if not words or not all(word.isdecimal() for word in words):
        raise BenchError(f"option robustness.{name} is {text!r}, wanted whole numbers")
    return tuple(map(int, words))
