"""The robustness task: each method fuses the same pairs with one source getting worse, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from bench.data.spec import DatasetSpec
from bench.errors import BenchError
from bench.files import digest
from bench.metrics.catalogue import METRICS
from bench.plugin.task import Detections, Job, Number, Resampler, Setting, Task
from bench.store.journal import Journal
from bench.types import Image, PairFiles, Score
from tasks.detection import DetectionTask
from tasks.detection.door import RULE, open_detector
from tasks.detection.truth import known_classes
from tasks.robustness.climbing import FILE, OWN, Climb
from tasks.robustness.corruptions import CORRUPTIONS
from tasks.robustness.settings import OPTIONS, Settings, read_settings
from tasks.robustness.shares import ALL, AREA, NOISE_RAISED, PRECISIONS, Floats, Key, Ladder, has_share, read_ladder

VERSION = 1
"""Raised whenever the same images would get other scores."""

KEPT, KEPT_AT = "kept", "kept_at"


def _numbers() -> Iterator[Number]:
    yield Number(KEPT, "higher", "Kept", 3, headline=True, labels=(f"{ALL}@{AREA}",), by_label=True, merit=False)
    yield Number(KEPT_AT, "higher", "Share kept", 3, hidden=True)
    yield Number(OWN["SSIM"], "higher", "SSIM to the own clean image", 4, hidden=True)
    yield Number(OWN["PSNR"], "higher", "PSNR to the own clean image (dB)", 2, hidden=True)
    for name in (*PRECISIONS, *METRICS):
        better = METRICS[name].better if name in METRICS else "higher"
        raised = name in METRICS and METRICS[name].idea in NOISE_RAISED
        yield Number(name, "" if raised else better, hidden=True)
        if has_share(name):
            yield Number(f"kept_{name}", "higher", f"{name} kept", 3, hidden=True)


class RobustnessTask(Task):
    """What faults of one source leave of every method's result; our faults are in ``tasks.robustness.corruptions``.

    Every pair is fused again with each fault at each severity, and the image is scored against the clean pair. Rows,
    all over the whole part, label ``CORRUPTION@SEVERITY`` (``@0`` is the clean pair) or ``CORRUPTION@area``, the area
    under the ladder (``tasks.robustness.shares``):

    * the metrics of the chosen conventions, and ``AP@0.5`` and ``AP@[0.5:0.95]`` of all classes where pairs have boxes;
    * ``kept_METRIC``: the share of the clean number that is left; none for metrics that noise raises (EN, SD, SF, AG);
    * ``kept_at`` (at a severity) and ``kept`` (area; ``all@area`` is the mean over the faults): the mean share over the
      convention's metrics that have one;
    * ``self_PSNR`` and ``self_SSIM``: to the method's own image of the clean pair, on the pixels that are real at every
      severity of the fault, on grey.

    A share says how steady a method is, not how good: ``visible`` keeps all of its numbers under any fault of the
    infrared image. Kept in ``work_dir``: ``ladder.jsonl`` and ``pictures`` (see ``tasks.robustness.climbing``).
    """

    name = "robustness"
    title = "Robustness"
    about = (
        "What is left of a method's result when the infrared or the visible image gets worse, step by step: the share "
        "of its clean number that is kept, as the area under the ladder. A method that does not look at a source keeps "
        "everything when that source fails; read it beside the fusion metrics."
    )
    truth = ""
    splits = ()
    runs = "named"
    needs_method = True
    options = OPTIONS
    numbers = tuple(_numbers())
    ways = {  # noqa: RUF012 - a declaration, never changed
        "standard": "against the clean pair, in convention standard",
        RULE: "AP of a detector that is not trained here, as in the detection task",
    }

    def check(self) -> None:
        """Needs nothing beyond the suite; AP needs what the detection task needs."""

    def ready(self, options: Mapping[str, str], weights_root: Path | None) -> None:  # noqa: ARG002 - a Task
        """A detector that was asked for must be there."""
        if read_settings(options).detection == "true":
            DetectionTask().check()

    def stands_beside(self, options: Mapping[str, str]) -> tuple[str, ...]:  # noqa: ARG002 - a Task
        """Both sources and their average: what a method keeps says nothing without them."""
        return ("visible", "infrared", "average")

    def facts(self, setting: Setting) -> dict[str, object]:
        """The settings, and each chosen fault with its strengths and formula.

        Raises:
            BenchError: a wrong setting.
        """
        settings = read_settings(setting.options)
        chosen = {name: CORRUPTIONS[name] for name in settings.corruptions}
        faults = {
            name: {"title": one.title, "formula": one.formula, "strengths": list(one.strengths), "unit": one.unit}
            for name, one in chosen.items()
        }
        return {**asdict(settings), "faults": faults}

    def starts_from(self, setting: Setting) -> Mapping[str, Path | None]:
        """The detector's weights, if there is one."""
        settings = read_settings(setting.options)
        return {} if settings.detection == "false" else DetectionTask().starts_from(_asked(setting, settings))

    def fingerprint(self, job: Job) -> str:
        """Version, settings, and the detector where one is used."""
        settings = read_settings(job.options)
        judge = "" if settings.detection == "false" else DetectionTask().fingerprint(_judged(job, settings))
        return digest(str(VERSION), str(settings), judge)

    def built_on(self, job: Job) -> Sequence[str]:
        """The detector's plug-in."""
        settings = read_settings(job.options)
        return () if settings.detection == "false" else DetectionTask().built_on(_judged(job, settings))

    def run(self, job: Job) -> Iterable[Score]:
        """Goes up the ladders (or goes on), and scores what is noted."""
        settings = read_settings(job.options)
        find, reason = _finder(job, settings)
        climb = Climb(job, settings, find)
        climb.run()
        ladder = read_ladder(list(climb.journal.lines("pair", "rung")), climb.part.files, job.spec)
        row = Score("robustness", job.dataset, climb.part.files[0].split, job.method, "", None)
        yield from _rows(row, ladder)
        if reason:
            for metric in PRECISIONS:
                yield replace(row, metric=metric, convention=RULE, status="skipped", reason=reason)

    def resampler(self, work_dir: Path, files: Sequence[PairFiles], spec: DatasetSpec) -> Resampler | None:
        """What is kept of every fault, of any choice of the pairs."""
        ladder = read_ladder(list(Journal(work_dir / FILE).lines("pair", "rung")), files, spec)
        names = list(ladder.kept_areas(ladder.every)) if ladder.pairs else []
        if not names:
            return None
        numbers = tuple((KEPT, label, convention) for label, convention in names)
        return Resampler(ladder.pairs, numbers, lambda counts: np.stack(list(ladder.kept_areas(counts).values())))


# ------------------------------------------------------------------ rows


def _rows(row: Score, ladder: Ladder) -> Iterator[Score]:
    for (label, convention), value in ladder.kept_areas(ladder.every).items():
        yield _filled(replace(row, metric=KEPT, label=label, convention=convention), value, ladder)
    for name in ladder.severities:
        for convention in dict.fromkeys(convention for _, convention in ladder.values):
            kept = ladder.kept(convention, name, ladder.every)
            yield from _ladder_rows(replace(row, metric=KEPT_AT, convention=convention), name, kept.items(), ladder)
        for number in ladder.numbers:
            yield from _number_rows(replace(row, metric=number[0], convention=number[1]), number, name, ladder)


def _number_rows(row: Score, number: Key, corruption: str, ladder: Ladder) -> Iterator[Score]:
    levels = ladder.levels(number, corruption, ladder.every)
    yield from _ladder_rows(row, corruption, levels.items(), ladder)
    if (area := ladder.area(number, corruption, ladder.every)) is not None:
        yield from _ladder_rows(row, corruption, [(AREA, area)], ladder)
    shares = ladder.shares(number, corruption, ladder.every)
    yield from _ladder_rows(replace(row, metric=f"kept_{number[0]}"), corruption, shares.items(), ladder)


def _ladder_rows(
    row: Score, corruption: str, found: Iterable[tuple[int | str, Floats]], ladder: Ladder
) -> Iterator[Score]:
    for at, value in found:
        yield _filled(replace(row, label=f"{corruption}@{at}"), value, ladder)


def _filled(row: Score, value: Floats, ladder: Ladder) -> Score:
    """The row with its number; without one it says which pair could not be fused, or has no such number."""
    if np.isfinite(value[0]):
        return replace(row, value=float(value[0]))
    corruption, _, at = row.label.partition("@")
    faults = {
        rung: why for rung, why in ladder.failed.items() if corruption == ALL or rung.startswith(f"{corruption}@")
    }
    if row.label in faults:
        return replace(row, status="failed", reason=faults[row.label])
    if at == AREA and faults:
        return replace(row, status="skipped", reason=f"no number at {', '.join(faults)}")
    why = ladder.lacking.get(row.metric.removeprefix("kept_"), "the clean number is not above 0, or a pair has none")
    return replace(row, status="skipped", reason=why)


# ------------------------------------------------------------------ the detector


def _finder(job: Job, settings: Settings) -> tuple[Callable[[Image], Detections] | None, str]:
    """What finds boxes, or why nothing does although there are boxes."""
    if settings.detection == "false":
        return None, ""
    (part,) = job.parts.values()
    names, reason = known_classes(job.spec), ""
    if not names or all(files.boxes_path is None for files in part.files):
        reason = "no pair of this part has boxes of a class that the detector knows"
    else:
        try:
            return open_detector(job, settings.model, tuple(names)), ""
        except BenchError as error:
            reason = str(error)
    if settings.detection == "true":
        raise BenchError(f"robustness.detection=true: {reason}")
    return None, reason


def _judged(job: Job, settings: Settings) -> Job:
    """The job as the detection task would get it, for what it says of its detector."""
    return replace(job, options={"model": settings.model}, seen=frozenset())


def _asked(setting: Setting, settings: Settings) -> Setting:
    return replace(setting, options={"model": settings.model})
