"""The data files that the scripts of the pages read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from bench.analysis.numbers import direction, metric_order
from bench.analysis.table import pair_values
from bench.store.thumbnails import slug
from reports.conventions import text_of
from reports.overview import Overview
from reports.pictures import Pictures, ladders
from reports.site import Site
from reports.source import DatasetView, RunData


def write_site_data(site: Site, run: RunData, carried: bool) -> None:
    """Writes what all scripts need: methods, data sets, conventions."""
    site.data(
        "site",
        "site",
        {
            "pixels": carried,
            "root": run.store.root.name,
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
                for data in (*run.datasets, *(ladder for _, ladder in ladders(run)))
            ],
        },
    )  # fmt: skip


def _slugs(names: Sequence[str]) -> dict[str, str]:
    """Only where they differ from the name, which is rare."""
    return {name: slug(name) for name in names if slug(name) != name}


def write_dataset_data(site: Site, overview: Overview, data: DatasetView, pictures: Pictures, carried: bool) -> None:
    """Writes addresses of the pictures and scores of the pairs of a data set."""
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
