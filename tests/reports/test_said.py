"""What must be said where numbers stand: the way and who stretches, corrections that are not made, ranges, remarks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.analysis.captions import described, way_words, ways_in_words
from bench.analysis.means import mean_table
from bench.analysis.sections import NO_CORRECTION
from bench.analysis.stats_command import stats_command
from bench.data.spec import load_datasets
from bench.metrics.catalogue import CONVENTIONS
from bench.metrics.engine import evaluate
from bench.plugin.kinds import METHODS, TASKS
from bench.run.config import RunConfig
from bench.run.plan_methods import method_facts
from bench.store.manifest import DatasetFacts, Manifest, MethodFacts
from bench.store.run_folder import Store
from bench.store.scores import scores_frame
from bench.types import Score
from reports import build_report

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("name", "stretches"),
    [
        ("seafusion", True),
        ("piafusion", False),
        ("gtf", False),
        ("average", False),
        ("visible", False),
        ("densefuse", True),
    ],
)
def test_who_stretches_is_known_to_the_manifest(name: str, stretches: bool) -> None:
    cls = METHODS.get(name)
    assert method_facts(cls, RunConfig(methods=(name,), out=Path("x"))).stretches is stretches


@pytest.mark.parametrize(
    ("ways", "said"),
    [
        (("published", "published"), "each method's published way"),
        (("plain", "plain"), "the plain way for all"),
        (("published", "plain"), "published and plain ways, as marked"),
        (("as given", "published"), "each method's published way"),
        (("as given", "as given"), ""),
    ],
)
def test_the_way_is_named(ways: tuple[str, str], said: str) -> None:
    rows = [Score("metrics", "tno", "test", name, "EN", 1.0, "1", "standard") for name in "ab"]
    facts = {name: MethodFacts(way=way) for name, way in zip("ab", ways, strict=True)}
    assert ways_in_words(described(mean_table(scores_frame(rows), "tno", "standard"), facts)) == said


@pytest.mark.parametrize(
    ("convention", "words"),
    [
        ("joint/single_scale", "joint/single_scale, all pairs"),
        ("joint/multi_scale/day", "joint/multi_scale, day"),
        ("coco/unseen", "coco, pairs unseen in training"),
        ("pretrained_segformer/single_scale", "pretrained_segformer/single_scale, all pairs"),
        ("yolov5_val", "yolov5_val, all pairs"),
    ],
)
def test_ways_of_scoring_are_named(convention: str, words: str) -> None:
    assert way_words(convention) == words


@pytest.mark.parametrize("convention", ["seafusion2022", "tang2023"])
@pytest.mark.parametrize("levels", [(254, 255), (255, 254), (0, 255), (253, 255), (100, 254)])
def test_the_shared_bin_is_bounded_as_the_catalogue_says(convention: str, levels: tuple[int, int]) -> None:
    image = RNG.permuted(np.repeat(np.array(levels, np.uint8), 32 * 32)).reshape(64, 32)
    shared, plain = (evaluate(image, image, image, name, ["MI"])["MI"] for name in (convention, "standard"))
    assert shared - plain == pytest.approx(2.0 if set(levels) == {254, 255} else 0.0, abs=1e-9)
    assert "2 bit" in CONVENTIONS[convention].uses["MI"].defect


@pytest.mark.parametrize("convention", ["seafusion2022", "tang2023", "standard", "cddfuse"])
@pytest.mark.parametrize("top", [2, 4, 6])
def test_no_image_leaves_the_range_printed_for_mi(convention: str, top: int) -> None:
    # the largest value: 254 levels alike, the two that share a bin with 4 in 258 together
    image = np.concatenate([np.repeat(np.arange(254), 256), np.repeat([254, 255], 128 * top)]).astype(np.uint8)
    value = evaluate(*(image[None].repeat(2, axis=0),) * 3, convention, ["MI"])["MI"]
    high = CONVENTIONS[convention].uses["MI"].high
    assert high is not None
    assert value <= high
    if convention in ("seafusion2022", "tang2023") and top == 4:
        assert value == pytest.approx(high, abs=1e-4)


@pytest.fixture
def run(tmp_path: Path) -> Store:
    """A run in both ways: ``one`` stretches, which alone is worth 7."""
    store = Store(tmp_path / "run")
    store.root.mkdir()
    rows = []
    for pair in map(str, range(12)):
        values = {"one": 49.0, "one-plain": 42.0, "two": 45.0}
        rows += [
            Score("metrics", "mfnet", "test", name, "SD", value + RNG.normal(0, 0.1), pair, "standard")
            for name, value in values.items()
        ]
    store.write_scores(scores_frame(rows))
    methods = {
        "one": MethodFacts(kind="learned", way="published", stretches=True),
        "one-plain": MethodFacts(kind="learned", way="plain", stretches=True, beside="one"),
        "two": MethodFacts(kind="classical", way="published"),
    }
    dataset = DatasetFacts(split="test", remark=load_datasets()["mfnet"].remark)
    store.write_manifest(Manifest(version="1", methods=methods, datasets={"mfnet": dataset}))
    return store


def test_both_ways_show_what_the_stretch_is_worth_and_what_must_be_known(run: Store) -> None:
    root = build_report(run.root, jobs=1).parent
    page = next(root.glob("dataset-mfnet*.html")).read_text(encoding="utf-8")
    assert "What the authors' way of writing images moves" in page.replace("&#39;", "'")
    assert "+7." in page or "+6.9" in page
    assert "its published way stretches the contrast: one" in page
    assert "published and plain ways, as marked" in page
    assert "enhanced in contrast by its makers" in page
    statistics = (root / "statistics.html").read_text(encoding="utf-8")
    assert NO_CORRECTION[1:] in statistics.replace("&#39;", "'")
    assert any(title == NO_CORRECTION for title, _ in stats_command([run.root]))


def test_the_detector_says_what_it_cannot_reproduce() -> None:
    assert "does not reproduce Table 2" in TASKS.get("detection").about
