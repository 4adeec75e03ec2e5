"""What goes from a report into a paper: tables that parse, citations that are whole, figures that fit a column."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from make_run import HOSTILE, RunPlan, make_run
from PIL import Image

from bench.analysis.export import label_of, row_starts, to_csv, to_latex, to_markdown
from bench.analysis.means import mean_table
from bench.plugin.kinds import METHODS
from bench.store.run_folder import Store
from reports import build_report
from reports.bibliography import bibliography, known_papers
from reports.source import RunData


class Areas(HTMLParser):
    """The text areas of a page: (form, text)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.form = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "textarea":
            self.found.append((dict(attrs).get("data-form") or "", ""))
            self.form = "on"

    def handle_endtag(self, tag: str) -> None:
        self.form = "" if tag == "textarea" else self.form

    def handle_data(self, data: str) -> None:
        if self.form:
            form, text = self.found[-1]
            self.found[-1] = (form, text + data)


def exported(root: Path, form: str) -> list[tuple[str, str]]:
    """(page, text) of every exported table in one form."""
    pages = sorted((root / "report").glob("*.html"))
    return [(page.name, text) for page in pages for kind, text in Areas(page.read_text()).found if kind == form]


def check_latex(text: str) -> None:
    """Parses strictly, and every row of the table has one cell for each column."""
    walker = pytest.importorskip("pylatexenc.latexwalker")
    nodes, _, _ = walker.LatexWalker(text, tolerant_parsing=False).get_latex_nodes()
    (table,) = [node for node in nodes if node.isNodeType(walker.LatexEnvironmentNode)]
    assert table.environmentname in ("table", "table*")
    columns = re.search(r"\\begin\{tabular\}\{l(r*)\}", text)
    assert columns is not None
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    rows = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert len(rows) > 1
    for row in rows:
        assert len(re.findall(r"(?<!\\)&", row)) == len(columns[1]), row
    assert text.count(r"\label{tab:") == 1
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert text.count(rule) == 1
    assert text.isascii(), [character for character in text if not character.isascii()]


def test_every_latex_table_of_a_report_parses(built: Path) -> None:
    tables = exported(built, "tex")
    assert {page for page, _ in tables} >= {"index.html", "overall.html", "dataset-tno.html", "detection.html"}
    for _, text in tables:
        check_latex(text)


def test_hostile_names_do_not_break_a_table(hostile: Path) -> None:
    for _, text in exported(hostile, "tex"):
        check_latex(text)


def test_labels_tell_tables_apart_and_hold_nothing_that_latex_reads(built: Path) -> None:
    scores = Store(built).read_scores()
    labels = {
        label_of(mean_table(scores, data, name)) for data in ("tno", "mfnet") for name in ("standard", "seafusion2022")
    }
    assert len(labels) == 4
    assert all(re.fullmatch(r"tab:[A-Za-z0-9-]+", label) for label in labels)


@pytest.mark.parametrize(("form", "write"), [("tex", to_latex), ("md", to_markdown), ("csv", to_csv)])
def test_the_marked_method_is_marked_in_exports(built: Path, form: str, write: object) -> None:
    table = mean_table(Store(built).read_scores(), "tno", "standard")
    plain, marked = (write(table, own=own).splitlines() for own in ("", "method1"))  # type: ignore[operator]
    changed = [(one, two) for one, two in zip(plain, marked, strict=True) if one != two]
    assert len(changed) == 1
    before, after = row_starts(table, "method1")[form]
    assert changed[0][0].startswith(before)
    assert changed[0][1] == after + changed[0][0][len(before) :]


def test_a_marked_method_is_marked_on_every_page(tmp_path: Path) -> None:
    root = make_run(
        tmp_path / "run", RunPlan(methods=3, pairs={"tno": 3}, conventions=("standard",), metrics=("EN", "SD"))
    )
    build_report(root, jobs=1, highlight="Method1")
    for page in ("index.html", "dataset-tno.html", "overall.html", "statistics.html", "efficiency.html"):
        text = (root / "report" / page).read_text()
        assert re.search(r'<tr data-method="method1"[^>]*own"', text), page
        assert not re.search(r'<tr data-method="method2"[^>]*own"', text), page
        assert 'data-own="method1"' in text
    assert any(r"\textbf{Method1} &" in text for _, text in exported(root, "tex"))
    svg = (root / "report" / "curves" / "tno-standard.svg").read_text()
    build_report(root, jobs=1)
    assert svg != (root / "report" / "curves" / "tno-standard.svg").read_text()


def test_a_method_that_is_not_there_cannot_be_marked(built: Path) -> None:
    with pytest.raises(Exception, match="--highlight nobody: no such method in this run; it has visible, infrared"):
        RunData.read(built, "nobody")


def entries(text: str) -> dict[str, dict[str, str]]:
    """Key -> fields of the entries of a BibTeX file, read strictly: one field a line, braces closed."""
    found: dict[str, dict[str, str]] = {}
    body = "\n".join(line for line in text.splitlines() if line and not line.startswith("%"))
    for entry in re.findall(r"@\w+\{.*?\n\}", body, re.S):
        key = re.match(r"@\w+\{([A-Za-z0-9-]+),\n", entry)
        assert key is not None, entry
        fields = re.findall(r"^  (\w+) = \{(.*)\},$", entry, re.M)
        assert len(fields) == entry.count("\n") - 1, entry
        assert all(value.count("{") == value.count("}") for _, value in fields)
        assert key[1] not in found
        found[key[1]] = dict(fields)
    assert body.count("@") >= len(found) > 0
    return found


def test_the_bibliography_has_methods_data_sets_and_conventions(built: Path) -> None:
    text = (built / "report" / "bibliography.bib").read_text()
    keywords = ", ".join(fields["keywords"] for fields in entries(text).values())
    run = RunData.read(built)
    for method in run.methods:
        assert (method.label in keywords) == (method.status == "ok"), method.label
    for name in ("data set tno", "data set mfnet", "convention standard", "convention seafusion2022", "ivif-bench"):
        assert name in keywords
    assert "Image fusion in the loop of high-level vision tasks" in text


def test_hostile_names_do_not_break_the_bibliography(hostile: Path) -> None:
    assert HOSTILE not in bibliography(RunData.read(hostile))
    assert entries((hostile / "report" / "bibliography.bib").read_text())


def test_every_method_of_the_suite_has_a_whole_citation() -> None:
    for name in METHODS.names():
        paper = METHODS.get(name).info.paper.removeprefix("doi:")
        if not paper:
            continue
        assert paper in known_papers(), name
        assert {"author", "title", "year"} <= set(next(iter(entries(known_papers()[paper]).values()))), name


@pytest.mark.parametrize("folder", ["curves", "bars"])
def test_figures_are_one_column_wide_in_three_forms(built: Path, folder: str) -> None:
    stem = built / "report" / folder / "tno-standard"
    with Image.open(stem.with_suffix(".png")) as image:
        assert image.width == 1050
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.5)
    assert stem.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    assert 'width="252pt"' in stem.with_suffix(".svg").read_text(), "3.5 inches"


def test_the_legend_lies_outside_the_panels(built: Path) -> None:
    """The lowest part of the figure holds the legend's colours, and no panel reaches into it."""
    pixels = np.asarray(Image.open(io.BytesIO((built / "report/curves/tno-standard.png").read_bytes())).convert("RGB"))
    dark = (pixels.max(axis=2) < 90).sum(axis=1)
    frames = np.flatnonzero(dark > 300)
    coloured = (pixels.max(axis=2).astype(int) - pixels.min(axis=2) > 60).any(axis=1)
    assert coloured[frames.max() + 5 :].any(), "the legend is below the last frame"


def test_a_citation_file_is_there() -> None:
    yaml = pytest.importorskip("yaml")
    facts = yaml.safe_load((Path(__file__).resolve().parents[2] / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors", "version", "license"} <= set(facts)
