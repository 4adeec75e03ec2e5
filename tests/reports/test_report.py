"""What a build leaves: files, numbers, words, and nothing broken when it is interrupted."""

from __future__ import annotations

import csv
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from make_run import HOSTILE, RunPlan, make_run
from PIL import Image

from bench.analysis.bootstrap import Interval
from bench.analysis.curves import cumulative_curves
from bench.analysis.means import mean_table
from bench.analysis.numbers import Numbers
from bench.analysis.set_level import DRAWS, SetComparison, TaskComparison
from bench.errors import BenchError
from bench.store.manifest import SourceFacts
from bench.store.run_folder import Store
from bench.store.scores import tidy
from bench.store.thumbnails import slug
from reports import build, build_report, pictures
from reports.overview import Overview
from reports.pages import first
from reports.pages import method as method_page
from reports.pictures import script
from reports.places import Places
from reports.source import RunData

QUICK: dict[str, Any] = {"tasks": ("metrics",), "metrics": ("EN",), "conventions": ("standard",)}
"""A run whose report is made in a second."""


class Links(HTMLParser):
    """Every address a page refers to, and its visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.addresses += [value for name, value in attrs if name in ("href", "src") and value]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(root: Path, name: str) -> str:
    return (root / "report" / name).read_text(encoding="utf-8")


def data_file(root: Path, name: str) -> object:
    text = read(root, f"data/{name}.js")
    return json.loads(re.fullmatch(r"Report\.put\(\.\.\.(.*)\);\n", text, re.S)[1])[1]  # type: ignore[index]


def test_every_address_in_every_page_exists(built: Path) -> None:
    for page in (built / "report").glob("*.html"):
        for address in Links(page.read_text(encoding="utf-8")).addresses:
            if address.startswith(("https://", "data:", "#")):
                continue
            target = page.parent / unquote(address.partition("#")[0])
            assert target.is_file(), f"{page.name} refers to {address}"


def test_no_page_loads_anything_from_a_network(built: Path) -> None:
    for page in (built / "report").glob("*.html"):
        for tag, attributes in Links(page.read_text(encoding="utf-8")).tags:
            if tag != "a":
                assert not str(attributes.get("src") or attributes.get("href") or "").startswith(("http", "//"))


def test_tables_show_the_means_of_the_score_file(built: Path) -> None:
    with (built / "scores.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["task"] == "metrics" and row["dataset"] == "tno"]
    values = [
        float(row["value"])
        for row in rows
        if (row["method"], row["metric"], row["convention"]) == ("method1", "SD", "seafusion2022")
    ]
    mean = sum(values) / len(values)
    assert any(
        tag == "td" and attributes.get("data-value") and abs(float(attributes["data-value"] or 0) - mean) < 1e-12
        for tag, attributes in Links(read(built, "dataset-tno.html")).tags
    )
    assert f">{mean:.4f}<" in read(built, "dataset-tno.html")


def test_data_files_hold_the_values_of_the_score_file(built: Path) -> None:
    scores = Store(built).read_scores()
    found = data_file(built, "scores-tno-standard")
    pairs = next(one["pairs"] for one in data_file(built, "site")["datasets"] if one["name"] == "tno")  # type: ignore[index]
    wanted = scores[(scores.dataset == "tno") & (scores.convention == "standard") & (scores.metric == "VIF")]
    for method, values in zip(found["methods"], found["values"]["VIF"], strict=True):  # type: ignore[index]
        rows = wanted[wanted.method == method].set_index("pair")["value"]
        for pair, value in zip(pairs, values, strict=True):
            if value is None:
                assert rows.isna()[pair]
            else:
                assert value == pytest.approx(rows[pair], rel=1e-6)


def test_a_hostile_name_is_text_everywhere(hostile: Path) -> None:
    for page in (hostile / "report").glob("*.html"):
        text = page.read_text(encoding="utf-8")
        parsed = Links(text)
        assert not any("onerror" in attributes for _, attributes in parsed.tags), page.name
        assert not any(attributes.get("src") == "x" for _, attributes in parsed.tags), page.name
    assert any(HOSTILE in word for word in Links(read(hostile, "index.html")).words)
    for path in (hostile / "report" / "data").glob("*.js"):
        assert "</script" not in path.read_text(encoding="utf-8")
    for path in (hostile / "report").rglob("*.svg"):
        assert "<img" not in path.read_text(encoding="utf-8")


def test_scripts_survive_any_text() -> None:
    text = script("k", {"a": "</script><!-- \u2028 é"})
    assert "</" not in text
    assert "<!--" not in text
    assert text.isascii()
    assert json.loads(text[len("Report.put(...") : -3]) == ["k", {"a": "</script><!-- \u2028 é"}]


def test_names_that_files_cannot_bear_get_different_slugs() -> None:
    names = ["a/b", "a\\b", "a b", "..", "", "tno", HOSTILE, "A/B"]
    slugs = [slug(name) for name in names]
    assert len(set(slugs)) == len(names)
    assert slugs[5] == "tno"
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", one) and one not in (".", "..") for one in slugs)


def test_partial_data_and_skipped_work_are_said(built: Path) -> None:
    text = " ".join(Links(read(built, "index.html")).words)
    assert "12 of 22 listed pairs on disk" in text
    assert "bench weights fetch absent" in text
    assert "image is not finite" in text
    assert "its visible image is missing" in text
    assert "The run is not complete: " in text
    assert "failed." in text


def test_in_domain_results_are_marked(built: Path) -> None:
    text = read(built, "dataset-mfnet.html")
    assert re.search(r'Method1</a><abbr title="its weights were trained on this data set">†', text)
    assert "†</abbr>" not in re.sub(r"<p.*?</p>", "", read(built, "dataset-tno.html"), flags=re.S)


def test_a_method_that_lacks_a_pair_is_not_ranked_and_says_so(built: Path) -> None:
    assert "11 of 12 pairs" in read(built, "dataset-tno.html")


def test_defective_conventions_carry_a_plain_warning(built: Path) -> None:
    text = " ".join(Links(read(built, "dataset-tno.html")).words)
    assert "Not what the name says in this convention:" in text
    assert "not a standard deviation" in text


def test_provenance_names_weights_machine_and_settings(built: Path) -> None:
    text = " ".join(Links(read(built, "provenance.html")).words)
    for wanted in ("Synthetic CPU", "0" * 64, "A/a.pth", "bench run", "abc123"):
        assert wanted in text


def test_the_page_of_proofs_holds_what_was_recorded(built: Path) -> None:
    text = " ".join(Links(read(built, "proofs.html")).words)
    for wanted in ("published images", "tno_published/First", "13", "81.2", "2026-11-25", "one <b> file", "reached"):
        assert wanted in text, wanted
    assert 'href="proofs.html"' in read(built, "index.html")


def test_task_pages_carry_their_numbers(built: Path) -> None:
    scores = Store(built).read_scores()
    for task, convention in (("segmentation", "single_scale"), ("detection", "coco"), ("efficiency", "")):
        text = read(built, f"{task}.html")
        table = mean_table(scores, "mfnet", convention, task, numbers=Numbers.of(Store(built).read_manifest()))
        for row in table.rows:
            for column, cell in zip(table.columns, row.cells, strict=True):
                assert cell.mean is not None
                assert f'data-value="{cell.mean}"' in text, (task, row.method, column)


def test_overview_and_method_pages_carry_the_scores_of_the_tasks(built: Path) -> None:
    scores, numbers = Store(built).read_scores(), Numbers.of(Store(built).read_manifest())
    miou = mean_table(scores, "mfnet", "single_scale", "segmentation", numbers=numbers).cell("method1", "mIoU")
    detected = mean_table(scores, "mfnet", "coco", "detection", numbers=numbers).cell("method1", "AP@0.7", "person")
    latency = mean_table(scores, "tno", "", "efficiency", numbers=numbers).cell("method1", "latency_ms_mean")
    assert f'data-value="{miou.mean}"' in read(built, "index.html")
    page = read(built, "method-method1.html")
    for cell, digits in ((miou, 4), (detected, 4), (latency, 3)):
        assert f">{cell.mean:.{digits}f}<" in page


def test_the_overview_says_who_leads_a_task_and_what_the_sources_reach(tmp_path: Path) -> None:
    root = make_run(tmp_path / "run", RunPlan(methods=2, pairs={"mfnet": 2}, **{**QUICK, "tasks": ("segmentation",)}))
    scores = Store(root).read_scores()
    for method, value in (("visible", 0.5), ("infrared", 0.25), ("method0", 0.75), ("method1", 0.125)):
        scores.loc[(scores["method"] == method) & (scores["metric"] == "mIoU"), "value"] = value
    Store(root).write_scores(scores)
    text = " ".join("".join(Links(build_report(root, jobs=1).read_text(encoding="utf-8")).words).split())
    assert "Segmentation: Method0 has the best mIoU, 0.7500; visible images alone reach 0.5000" in text


def test_intervals_of_the_tasks_stand_on_the_statistics_page(built: Path) -> None:
    text = " ".join("".join(Links(read(built, "statistics.html")).words).split())
    assert "mIoU (single_scale, all pairs) 6 images" in text
    assert "Only 6 images: the intervals are rough." in text


def test_pairs_seen_in_training_are_said(tmp_path: Path) -> None:
    root = make_run(tmp_path / "run", RunPlan(methods=2, pairs={"mfnet": 3}, **{**QUICK, "tasks": ("detection",)}))
    scores = Store(root).read_scores()
    seen = scores[(scores["method"] == "method1") & (scores["metric"] == "AP@0.5") & (scores["label"] == "all")]
    rows = [
        seen.assign(metric="seen_in_training", label="", convention="", pair=pair, value=value)
        for pair, value in (("00000D", 1.0), ("00001N", 0.0), ("00002D", 1.0))
    ]
    Store(root).write_scores(tidy(pd.concat([scores, *rows])))
    build_report(root, jobs=1)
    text = " ".join("".join(Links(read(root, "detection.html")).words).split())
    assert "Method1 saw 2 of these 3 pairs in training. Compare it on the pairs unseen in training." in text


def test_task_pictures_are_made_and_shown(built: Path) -> None:
    for page, kinds in (("segmentation.html", {"Overlay", "Errors"}), ("detection.html", {"Boxes"})):
        shown = [a for tag, a in Links(read(built, page)).tags if tag == "img"]
        assert {attributes["data-shows"] for attributes in shown} == kinds
        assert all(attributes.get("alt") for attributes in shown)


def test_statistics_page_speaks_in_words(built: Path) -> None:
    text = " ".join(Links(read(built, "statistics.html")).words)
    assert "Friedman" in text
    assert re.search(r"has the best mean rank but cannot be told from|is better than every other method", text)
    assert "Only 6 pairs" in text
    diagrams = [path.name for path in (built / "report" / "diagrams").glob("*.svg")]
    assert sum("-quality-" not in name for name in diagrams) == 12


def test_too_few_pairs_give_a_sentence_instead_of_tests(tmp_path: Path) -> None:
    root = make_run(tmp_path / "run", RunPlan(methods=2, pairs={"tno": 1}, **QUICK, faults=False))
    build_report(root, jobs=1)
    assert "wanted at least two of each" in " ".join(Links(read(root, "statistics.html")).words)


def test_one_convention_gives_a_sentence_instead_of_a_comparison(tmp_path: Path) -> None:
    plan = RunPlan(pairs={"tno": 4}, **QUICK)
    build_report(make_run(tmp_path / "run", plan), jobs=1)
    text = " ".join(Links(read(tmp_path / "run", "statistics.html")).words)
    assert "one convention only" in text


@pytest.mark.parametrize("tasks", [("efficiency",), ("metrics",), ()])
def test_a_run_of_any_tasks_builds(tmp_path: Path, tasks: tuple[str, ...]) -> None:
    root = make_run(tmp_path / "run", RunPlan(methods=1, pairs={"tno": 2}, **{**QUICK, "tasks": tasks}))
    assert build_report(root, jobs=1).is_file()


@pytest.mark.parametrize("methods", [3, 4])  # two of them the sources
def test_figures_for_a_paper_are_drawn_where_methods_are_compared(tmp_path: Path, methods: int) -> None:
    plan = RunPlan(methods=methods - 2, pairs={"tno": 2}, **{**QUICK, "tasks": ("metrics",)})
    root = make_run(tmp_path / "run", plan)
    build_report(root, jobs=1)
    page = read(root, "dataset-tno.html")
    assert ("For a paper" in page) == (methods > 3)
    assert (root / "report" / "curves").exists() == (root / "report" / "bars").exists() == (methods > 3)


def test_a_method_that_wins_every_pair_has_its_place_among_the_failures(tmp_path: Path) -> None:
    plan = RunPlan(methods=3, pairs={"tno": 4}, conventions=("standard",), metrics=("EN", "SD"), tasks=("metrics",),
                   faults=False)  # fmt: skip
    root = make_run(tmp_path / "run", plan)
    store = Store(root)
    scores = store.read_scores()
    scores.loc[scores["method"] == "method1", "value"] += 100
    store.write_scores(scores)
    build_report(root, jobs=1)
    text = (root / "report" / "failures.html").read_text()
    assert re.findall('<section data-title="([^"]*)"', text) == ["Method0", "Method1", "Method2"]
    (own,) = re.findall('data-key="method1".*?</section>', text, re.S)
    assert "It is the best on every pair" in own
    assert own.count("<article") == 0
    assert text.count("<article") == 2 * 4


def test_a_run_without_manifest_builds(tmp_path: Path) -> None:
    root = make_run(tmp_path / "run", RunPlan(methods=2, pairs={"tno": 3}, **QUICK))
    (root / "manifest.json").unlink()
    assert "method1" in build_report(root, jobs=1).read_text(encoding="utf-8")


def test_a_folder_without_scores_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"no scores\.parquet"):
        build_report(tmp_path)


def test_a_broken_image_is_named_and_the_rest_is_built(tmp_path: Path) -> None:
    root = make_run(tmp_path / "run", RunPlan(methods=2, pairs={"tno": 3}, **QUICK))
    (root / "fused" / "tno" / "method1" / "00001N.png").write_bytes(b"no image")
    build_report(root, jobs=1)
    assert "no thumbnail of 00001N.png (method1)" in " ".join(Links(read(root, "index.html")).words)


def test_thumbnails_are_made_once(tmp_path: Path) -> None:
    root = make_run(tmp_path / "run", RunPlan(methods=2, pairs={"tno": 3}, **QUICK))
    made: list[tuple[str, int, int]] = []
    build_report(root, jobs=2, progress=lambda *step: made.append(step))
    assert max(total for what, _, total in made if what == "thumbnails") == 4 * 3
    made.clear()
    build_report(root, jobs=2, progress=lambda *step: made.append(step))
    assert not [step for step in made if step[0] == "thumbnails"]
    changed = root / "fused" / "tno" / "method1" / "00001N.png"
    os.utime(changed, ns=(changed.stat().st_atime_ns, changed.stat().st_mtime_ns + 10**12))
    build_report(root, jobs=2, progress=lambda *step: made.append(step))
    assert [step for step in made if step[0] == "thumbnails"] == [("thumbnails", 1, 1)]


def test_pages_of_methods_that_left_the_run_go(tmp_path: Path) -> None:
    root = make_run(tmp_path / "run", RunPlan(methods=3, pairs={"tno": 2}, **QUICK, faults=False))
    build_report(root, jobs=1)
    make_run(root, RunPlan(methods=2, pairs={"tno": 2}, **QUICK, faults=False))
    build_report(root, jobs=1)
    assert not (root / "report" / "method-method2.html").exists()
    assert (root / "report" / "method-method1.html").exists()


def test_an_interrupted_build_keeps_the_old_first_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_run(tmp_path / "run", RunPlan(methods=2, pairs={"tno": 2}, **QUICK))
    before = build_report(root, jobs=1).read_text(encoding="utf-8")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(method_page, "_method_page", stop)
    with pytest.raises(KeyboardInterrupt):
        build_report(root, jobs=1)
    assert read(root, "index.html") == before
    test_every_address_in_every_page_exists(root)


def test_a_first_build_that_is_interrupted_leaves_no_first_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_run(tmp_path / "run", RunPlan(methods=1, pairs={"tno": 2}, **QUICK))
    monkeypatch.setattr(build.Site, "sweep", lambda self: None)
    monkeypatch.setattr(first, "write_first", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        build_report(root, jobs=1)
    assert not (root / "report" / "index.html").exists()


def test_a_large_run_shows_its_files_instead_of_carrying_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_run(tmp_path / "run", RunPlan(methods=2, pairs={"tno": 2}, **QUICK))
    build_report(root, jobs=1)
    assert (root / "report" / "pixels").is_dir()
    monkeypatch.setattr(pictures, "CARRIED_BYTES", 10)
    build_report(root, jobs=1)
    assert not (root / "report" / "pixels").exists()
    images = data_file(root, "pictures-tno")["images"]  # type: ignore[index]
    assert images["method1"]["before"] == "../fused/tno/method1/"
    assert data_file(root, "site")["pixels"] is False  # type: ignore[index]


def test_a_source_that_no_browser_shows_is_converted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_run(tmp_path / "run", RunPlan(methods=1, pairs={"tno": 1}, **QUICK))
    source = tmp_path / "data" / "odd name.bmp"
    source.parent.mkdir()
    stored = root / "fused/tno/visible/00000D.png"
    with Image.open(stored) as image:
        image.save(source)
        wanted = np.asarray(image)
    stored.unlink()
    manifest = json.loads((root / "manifest.json").read_text())
    manifest["datasets"]["tno"]["parts"]["test"]["sources"] = {
        "00000D": {"ir": str(tmp_path / "gone.png"), "vis": str(source)}
    }
    (root / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(pictures, "CARRIED_BYTES", 10)
    build_report(root, jobs=1)
    made = root / "report/sources/tno/00000D.vis.png"
    with Image.open(made) as image:
        assert np.array_equal(np.asarray(image), wanted)
    assert data_file(root, "pictures-tno")["images"]["@vis"]["before"] == "sources/tno/"  # type: ignore[index]
    made.with_name("left over.png").write_bytes(b"")
    build_report(root, jobs=1)
    assert [path.name for path in made.parent.iterdir()] == [made.name]


def test_four_channel_sources_are_split(tmp_path: Path) -> None:
    from reports.pictures import Picture

    channels = np.arange(4 * 5 * 4, dtype=np.uint8).reshape(4, 5, 4)
    path = tmp_path / "both.png"
    Image.fromarray(channels).save(path)
    assert np.array_equal(Picture("@ir", path, "", "", SourceFacts(four_channel=True)).read(), channels[..., 3])
    assert np.array_equal(Picture("@vis", path, "", "", SourceFacts(four_channel=True)).read(), channels[..., :3])


def test_curves_of_the_page_are_those_of_the_metrics_engine(built: Path) -> None:
    """The page draws sorted values against their share; that is what ``bench.analysis.curves`` defines."""
    run = RunData.read(built)
    curves = cumulative_curves(run.scores, "tno", "standard", "EN")
    found = data_file(built, "scores-tno-standard")
    for method, values in zip(found["methods"], found["values"]["EN"], strict=True):  # type: ignore[index]
        x, y = curves[method]
        numbers = sorted(value for value in values if value is not None)
        assert numbers == pytest.approx(list(y), rel=1e-6)
        assert [(place + 1) / len(numbers) for place in range(len(numbers))] == pytest.approx(list(x))


def test_curves_come_as_pdf(built: Path) -> None:
    files = sorted(path.name for path in (built / "report" / "curves").glob("*.pdf"))
    assert files == [f"{data}-{name}.pdf" for data in ("mfnet", "tno") for name in ("seafusion2022", "standard")]
    assert (built / "report" / "curves" / files[0]).read_bytes().startswith(b"%PDF")


def test_a_skipped_method_is_named_once_and_no_path_of_the_machine_stands_in_a_page(tmp_path: Path) -> None:
    root = make_run(tmp_path / "run", RunPlan(methods=2, pairs={"tno": 2}, **QUICK, faults=False))
    manifest = json.loads((root / "manifest.json").read_text())
    for name in ("gone1", "gone2"):
        manifest["methods"][name] = {
            "name": name, "title": name.title(), "kind": "learned", "status": "skipped",
            "reason": f"no weights in {tmp_path}/weights; bench weights fetch",
        }  # fmt: skip
    manifest["methods"]["method1"]["weights"] = [{"path": str(tmp_path / "weights" / "a.pth"), "sha256": "0" * 64}]
    manifest["commands"] = [{"command": ["bench", "run", "--out", str(root), "--data-root", "/srv/some data/sets"]}]
    (root / "manifest.json").write_text(json.dumps(manifest))
    scores = Store(root).read_scores()
    rows = scores[scores["method"] == "method0"].assign(
        method="gone1", status="skipped", reason="its weights are not there", value=float("nan")
    )
    Store(root).write_scores(tidy(pd.concat([scores, rows])))
    index = build_report(root, jobs=1).read_text(encoding="utf-8")
    assert " ".join(Links(index).words).count("Gone1") == 1
    assert " ".join(Links(index).words).count("Gone2") == 1
    for path in (root / "report").rglob("*"):
        if path.suffix in (".html", ".js", ".bib"):
            text = path.read_text(encoding="utf-8")
            assert str(tmp_path) not in text, path.name
            assert "/srv/" not in text, path.name


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("no file /data/MSRS/test/vi/1.png here", "no file DATA/test/vi/1.png here"),
        ("--out /tmp/a b/run", "--out RUN"),
        ("see /opt/elsewhere/weights/a.pth;", "see …/a.pth;"),
        ("https://example.org/a/b, joint/night, 1/2", "https://example.org/a/b, joint/night, 1/2"),
        ("/data/MSRSother/x", "…/x"),
        (r"C:\Users\me\weights\a.pth", "…/a.pth"),
    ],
)  # fmt: skip
def test_folders_are_called_by_what_they_are(text: str, wanted: str) -> None:
    assert Places.of(Path("/tmp/a b/run"), "/data/MSRS", None).short(text) == wanted  # noqa: S108


def test_a_number_scored_in_several_ways_counts_once_in_the_mean_rank(built: Path) -> None:
    overview = Overview(RunData.read(built))
    methods = overview.ranked
    numbers = tuple(("AP@0.5", "all", way) for way in ("coco", "yolov5", "yolov5_val"))
    values = {name: tuple(Interval(at, at, at) for _ in numbers) for at, name in enumerate(methods)}
    comparison = SetComparison(("AP",) * 3, values, {}, 6, (), np.zeros((len(methods), 3, DRAWS.resamples)))
    vars(overview)["task_comparisons"] = {("detection", "mfnet"): [TaskComparison("", comparison, numbers, {})]}
    assert overview.overall is not None
    found = [strand for strand in overview.overall.strands if strand[0] == "detection"]
    assert found == [("detection", "mfnet", "AP@0.5", "all")]
