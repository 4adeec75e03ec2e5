"""The pages about fusion: overview, data sets, methods, viewer, provenance; and the data files their scripts read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from typing import Any
from urllib.parse import quote

import pandas as pd

from bench.analysis.captions import caption, described, heading, marks, notes, remark
from bench.analysis.export import to_csv, to_latex, to_markdown
from bench.analysis.means import mean_table
from bench.analysis.numbers import FUSION, direction, headline, metric_order
from bench.analysis.sections import format_p
from bench.analysis.standing import pair_disagreement, pair_standing, way_changes
from bench.analysis.table import Table, format_number, pair_values, select
from bench.store.manifest import TaskFacts, WeightFacts
from reports import words
from reports.conventions import definition, task_convention, text_of
from reports.figures import curves_pdf
from reports.method_blocks import method_blocks
from reports.pictures import Pictures
from reports.site import Site
from reports.source import DatasetView, MethodView, RunData, slug, viewer_link
from reports.task_comparisons import Comparisons, task_comparisons, with_ties
from reports.task_tables import TaskTables, leading_table, task_tables

Step = Callable[[], None]


class Overview:
    """What several pages need of the scores, computed once.

    Attributes:
        run: the run.
        faults: pictures that could not be made.
    """

    def __init__(self, run: RunData, faults: Sequence[str] = ()) -> None:
        self.run = run
        self.faults = list(faults)

    @cached_property
    def ranked(self) -> list[str]:
        """Labels of the methods that are compared: all but the references."""
        return [method.label for method in self.run.methods if not method.reference]

    @cached_property
    def tables(self) -> dict[str, dict[str, Table]]:
        """Data set -> convention -> table of means."""
        return {
            data.name: {convention: self._table(data, convention) for convention in data.conventions}
            for data in self.run.datasets
        }

    def _table(self, data: DatasetView, convention: str) -> Table:
        table = mean_table(
            self.rows[data.name, convention],
            data.name,
            convention,
            unranked=self.run.references,
            order=[method.label for method in self.run.methods],
            titles=self.run.titles,
        )
        return described(table, self.run.manifest.methods)

    @cached_property
    def task_tables(self) -> TaskTables:
        """Tables of all tasks but the fusion metrics."""
        return {
            task: {
                name: {
                    way: with_ties(table, self.task_comparisons.get((task, name), ())) for way, table in found.items()
                }
                for name, found in by_dataset.items()
            }
            for task, by_dataset in task_tables(self.run).items()
        }

    @cached_property
    def task_comparisons(self) -> Comparisons:
        """Intervals of the tasks' numbers."""
        return task_comparisons(self.run)

    @cached_property
    def rows(self) -> dict[tuple[str, str], pd.DataFrame]:
        """(data set, convention) -> the pair-wise scores."""
        found = {}
        for data in self.run.datasets:
            rows = select(self.run.scores, "metrics", data.name)
            for convention in data.conventions:
                found[data.name, convention] = rows[rows["convention"] == convention]
        return found

    @cached_property
    def disagreement(self) -> dict[str, pd.Series[float]]:
        """Data set -> how much the methods differ on each pair, largest first (headline metrics, first convention)."""
        return {
            data.name: pair_disagreement(
                self.rows[data.name, data.conventions[0]], headline(data.conventions[0]), self.ranked
            )
            for data in self.run.datasets
            if data.conventions
        }

    @cached_property
    def standing(self) -> dict[str, pd.DataFrame]:
        """Data set -> pairs x methods, the mean rank over the headline metrics (first convention)."""
        return {
            data.name: pair_standing(
                self.rows[data.name, data.conventions[0]], headline(data.conventions[0]), self.ranked
            )
            for data in self.run.datasets
            if data.conventions
        }

    @cached_property
    def notes(self) -> list[words.Note]:
        """What is new or odd, in plain words."""
        notes: list[words.Note] = []
        for data in self.run.datasets:
            tables = self.tables[data.name]
            notes += words.leaders(self.run, data, tables)
            notes += words.task_leaders(self.run, data, self.task_tables)
            notes += words.gaps(self.run, data, tables)
            notes += words.outliers(self.run, data)
        return notes


def shared(run: RunData, now: datetime) -> dict[str, Any]:
    """What every template of a run's report may use."""
    nav = [
        ("index.html", "Overview"),
        *((data.page, data.name) for data in run.datasets),
        ("viewer.html", "Viewer"),
        *((f"{slug(task)}.html", run.numbers.task_title(task)) for task in run.tasks if task != FUSION),
        ("statistics.html", "Statistics"),
        ("provenance.html", "Provenance"),
    ]
    by_label = {method.label: method for method in run.methods}
    return {
        **base_context(now, run.manifest.version or "(version not recorded)", nav, by_label),
        "run": run,
        "format_p": format_p,
        "no_weights": WeightFacts(),
        "convention_text": text_of,
        "task_facts": lambda task: run.manifest.tasks.get(task, TaskFacts()),
        "headline": headline,
        "all_conventions": list(dict.fromkeys(name for data in run.datasets for name in data.conventions)),
    }


def base_context(
    now: datetime, version: str, nav: Sequence[tuple[str, str]], by_label: Mapping[str, Any]
) -> dict[str, Any]:
    """What the templates of any report use.

    Args:
        now: when it is built.
        version: of the suite that made the numbers.
        nav: (page, text) of the head's links.
        by_label: label -> who a table's row stands for: ``title``, ``page``, ``reference``, ``in_domain``.
    """
    return {
        "built": now.strftime("%Y-%m-%d %H:%M UTC"),
        "version": version,
        "nav": list(nav),
        "number": format_number,
        "exports": exports,
        "caption": caption,
        "table_notes": notes,
        "marks": marks,
        "remark": remark,
        "heading": heading,
        "definition": definition,
        "task_convention": task_convention,
        "by_label": by_label.__getitem__,
    }


def exports(table: Table, title: str) -> list[tuple[str, str, str]]:
    """The table as text that says what the page says: name of the form, file extension, text."""
    return [
        ("LaTeX", "tex", to_latex(table, title)),
        ("LaTeX with ±", "tex", to_latex(table, title, spread=True)),
        ("Markdown", "md", to_markdown(table, title)),
        ("CSV", "csv", to_csv(table)),
    ]


def write_site_data(site: Site, run: RunData, carried: bool) -> None:
    """Writes what all scripts need: methods, data sets, conventions."""
    site.data(
        "site",
        "site",
        {
            "pixels": carried,
            "root": run.store.root.as_posix(),
            "methods": [
                {
                    "label": method.label, "title": method.title, "page": method.page, "colour": method.colour,
                    "dash": method.dash, "reference": method.reference,
                }
                for method in run.methods
            ],
            "datasets": [
                {
                    "name": data.name, "slug": slug(data.name), "title": data.title, "page": data.page,
                    "pairs": list(data.pairs), "slugs": _slugs(data.pairs),
                    "conventions": [{"name": name, "slug": slug(name), "title": name} for name in data.conventions],
                }
                for data in run.datasets
            ],
        },
    )  # fmt: skip


def _slugs(names: Sequence[str]) -> dict[str, str]:
    """Only where they differ from the name, which is rare."""
    return {name: slug(name) for name in names if slug(name) != name}


def plan(site: Site, run: RunData, overview: Overview, pictures: Pictures, carried: bool) -> list[Step]:
    """The pages and data files to write, in order."""
    steps: list[Step] = []
    for data in run.datasets:
        steps.append(partial(_dataset_data, site, overview, data, pictures, carried))
        steps.append(partial(_dataset_page, site, overview, data))
        steps += [partial(_curves, site, overview, data, convention) for convention in data.conventions]
    for method in run.methods:
        steps.append(partial(_method_page, site, overview, method, pictures))
    steps.append(partial(site.page, "viewer.html", "viewer.html", title="Viewer"))
    steps.append(partial(site.page, "provenance.html", "provenance.html", title="Provenance", problems=run.problems()))
    return steps


def _dataset_data(site: Site, overview: Overview, data: DatasetView, pictures: Pictures, carried: bool) -> None:
    order = overview.disagreement.get(data.name)
    site.data(
        f"pictures-{slug(data.name)}",
        f"pictures/{data.name}",
        {
            "images": {} if carried else picture_addresses(data, pictures, "url"),
            "thumbs": picture_addresses(data, pictures, "thumb"),
            "disagreement": [] if order is None else [_short(order.get(pair)) for pair in data.pairs],
            "tags": _tags(data),
        },
    )
    for convention in data.conventions:
        site.data(
            f"scores-{slug(data.name)}-{slug(convention)}",
            f"scores/{data.name}/{convention}",
            _score_data(overview, data, convention),
        )


def _tags(data: DatasetView) -> dict[str, list[int]]:
    """Named subset -> indices of its pairs."""
    found: dict[str, list[int]] = {}
    for index, pair in enumerate(data.pairs):
        for tag in data.facts.main.tags.get(pair, ()):
            found.setdefault(str(tag), []).append(index)
    return found


def picture_addresses(data: DatasetView, pictures: Pictures, field: str) -> dict[str, dict[str, Any]]:
    """Addresses by key, with what they share said once: ``before + pair + after``, exceptions listed by index."""
    found: dict[str, dict[str, Any]] = {}
    urls: dict[str, dict[int, str]] = {}
    for index, pair in enumerate(data.pairs):
        for picture in pictures[data.name, pair]:
            urls.setdefault(picture.key, {})[index] = getattr(picture, field)
    for key, by_index in urls.items():
        first, url = next(iter(by_index.items()))
        before, _, after = url.rpartition(quote(data.pairs[first]))
        odd = {
            index: by_index.get(index)
            for index, pair in enumerate(data.pairs)
            if by_index.get(index) != f"{before}{quote(pair)}{after}"
        }
        found[key] = {"before": before, "after": after, "odd": odd}
    return found


def _score_data(overview: Overview, data: DatasetView, convention: str) -> dict[str, Any]:
    rows = overview.rows[data.name, convention]
    table = overview.tables[data.name][convention]
    digits = {column.metric: column.digits for column in table.columns}
    methods = [row.method for row in table.rows]
    values = {}
    for metric in metric_order(digits, convention):
        grid = pair_values(rows, metric, capped=True).reindex(index=list(data.pairs), columns=methods)
        values[metric] = [[_short(number) for number in grid[method]] for method in methods]
    return {
        "methods": methods,
        "metrics": [{"name": name, "better": direction(name), "digits": digits[name]} for name in values],
        "values": values,
        "warnings": text_of(convention).warnings,
    }


def _short(number: Any) -> float | None:
    """Seven significant digits are more than a screen shows and half the bytes."""
    return None if number is None or not math.isfinite(number) else float(f"{number:.7g}")


def _dataset_page(site: Site, overview: Overview, data: DatasetView) -> None:
    site.page(
        data.page,
        "dataset.html",
        title=data.title,
        data=data,
        tables=overview.tables[data.name],
        notes=[note for note in overview.notes if note.dataset == data.name],
        ways=_ways(overview, data),
    )


def _ways(overview: Overview, data: DatasetView) -> dict[str, list[dict[str, Any]]]:
    """Convention -> what the authors' way of writing images moves, for the methods whose plain images are there too."""
    beside = {method.label: method.facts.beside for method in overview.run.methods if method.facts.beside}
    if not beside:
        return {}
    return {name: way_changes(overview.rows[data.name, name], data.name, name, beside) for name in data.conventions}


def _curves(site: Site, overview: Overview, data: DatasetView, convention: str) -> None:
    pdf = curves_pdf(overview.rows[data.name, convention], data.name, convention, overview.run.methods)
    if pdf:
        site.binary(f"curves/{slug(data.name)}-{slug(convention)}.pdf", pdf)


def _method_page(site: Site, overview: Overview, method: MethodView, pictures: Pictures) -> None:
    run = overview.run
    standings = []
    for data in run.datasets:
        standing = overview.standing.get(data.name)
        if standing is None or method.label not in standing.columns:
            continue
        ranks = standing[method.label].dropna().sort_values(kind="stable")
        if len(ranks) < 2:
            continue
        count = min(4, len(ranks) // 2)
        standings.append(
            {
                "data": data,
                "count": len(ranks),
                "mean": float(ranks.mean()),
                "best": [_ranked_pair(pictures, data, method, pair, rank) for pair, rank in ranks.head(count).items()],
                "worst": [
                    _ranked_pair(pictures, data, method, pair, rank) for pair, rank in ranks.tail(count)[::-1].items()
                ],
            }
        )
    blocks = [
        block
        for task, by_dataset in [("metrics", overview.tables), *overview.task_tables.items()]
        for block in method_blocks(run, task, by_dataset, method)
    ]
    site.page(method.page, "method.html", title=method.title, method=method, blocks=blocks, standings=standings)


def _ranked_pair(pictures: Pictures, data: DatasetView, method: MethodView, pair: Any, rank: float) -> dict[str, Any]:
    thumbs = [one for one in pictures[data.name, str(pair)] if one.key == method.label]
    return {
        "pair": pair,
        "rank": rank,
        "thumb": thumbs[0].thumb if thumbs else "",
        "link": viewer_link(data.name, str(pair), method.label),
    }


def write_index(site: Site, run: RunData, overview: Overview, pictures: Pictures) -> None:
    """The first page."""
    site.page(
        "index.html", "index.html", title="Overview", tables=overview.tables, notes=overview.notes,
        problems=run.problems(), faults=overview.faults, tasks=leading_table(run, overview.task_tables),
        examples={data.name: _examples(overview, data, pictures) for data in run.datasets},
    )  # fmt: skip


def _examples(overview: Overview, data: DatasetView, pictures: Pictures, count: int = 2) -> list[dict[str, Any]]:
    """The pairs on which the methods differ most."""
    order = overview.disagreement.get(data.name)
    shown: list[dict[str, Any]] = []
    for pair in [] if order is None else order.index:
        group = pictures.get((data.name, str(pair)), [])
        thumbs = [one.thumb for one in group if one.key == "@vis"] or [one.thumb for one in group]
        if thumbs and len(shown) < count:
            shown.append({"pair": pair, "thumb": thumbs[0], "link": viewer_link(data.name, str(pair))})
    return shown
