"""Draws ``docs/architecture.svg``, the rooms and arrows of docs/architecture.md, from the import contracts.

``python docs/draw_architecture.py`` writes it; a test holds the committed file to what the contracts say.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
WIDTH, ROW, GAP, LEFT, BOX = 1180, 74, 26, 30, 46

Place = tuple[float, float, float]
"""Left edge, width and top of a box."""


def contracts(root: Path = ROOT) -> list[dict[str, Any]]:
    """The import contracts of ``pyproject.toml``."""
    found: list[dict[str, Any]] = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    return found


def layers(found: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Modules of each layer, the uppermost first."""
    stack = next(contract["layers"] for contract in found if contract["type"] == "layers")
    return [re.split(r"\s*[|:]\s*", layer) for layer in stack]


def sentence(module: str, root: Path = ROOT) -> str:
    """The first sentence of a module's or package's docstring."""
    path = root / module.replace(".", "/")
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(source.read_text())) or ""
    return text.partition("\n")[0]


def places(stack: Sequence[Sequence[str]]) -> dict[str, Place]:
    """Where each module's box stands."""
    found: dict[str, Place] = {}
    for row, modules in enumerate(stack):
        width = (WIDTH - 2 * LEFT - (len(modules) - 1) * 20) / len(modules)
        for column, module in enumerate(modules):
            found[module] = (LEFT + column * (width + 20), width, 20 + row * (ROW + GAP))
    return found


def arrows(stack: Sequence[Sequence[str]], at: dict[str, Place]) -> Iterator[str]:
    """One grey arrow from each layer to the one below: everything further down is reached as well."""
    for upper, lower in pairwise(stack):
        top, bottom = at[upper[0]][2] + BOX + 22, at[lower[0]][2] - 4
        yield f'<path d="M{WIDTH / 2:.0f} {top:.0f}V{bottom:.0f}" class="may" marker-end="url(#may)"/>'


def forbidden(found: Sequence[dict[str, Any]], at: dict[str, Place]) -> Iterator[str]:
    """A dashed red line for every pair of rooms that a contract keeps apart although the layers would allow it."""
    for contract in found:
        if contract["type"] != "forbidden":
            continue
        for source in contract["source_modules"]:
            for target in contract["forbidden_modules"]:
                if source in at and target in at and at[source][2] < at[target][2]:
                    (x, w, y), (u, v, z) = at[source], at[target]
                    yield (
                        f'<path d="M{x + w / 2:.0f} {y + BOX:.0f}L{u + v / 2:.0f} {z:.0f}" class="not" '
                        f'marker-end="url(#not)"/>'
                    )


def wrapped(text: str, width: float) -> list[str]:
    """At most two lines of text for a box."""
    most, lines = max(8, int(width / 5.4)), [""]
    for word in text.split():
        if len(lines[-1]) + len(word) + 1 > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines if len(lines) <= 2 else [lines[0], lines[1].rstrip(".,") + " ..."]


def boxes(at: dict[str, Place], root: Path) -> Iterator[str]:
    """Every room with its name and its sentence."""
    for module, (x, width, y) in at.items():
        yield f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{BOX + 18}" rx="6"/>'
        yield f'<text x="{x + 8:.0f}" y="{y + 17:.0f}" class="name">{escape(module)}</text>'
        for number, line in enumerate(wrapped(sentence(module, root), width - 16)):
            yield f'<text x="{x + 8:.0f}" y="{y + 34 + 14 * number:.0f}">{escape(line)}</text>'


def draw(root: Path = ROOT) -> str:
    """The picture as SVG text."""
    found = contracts(root)
    stack = layers(found)
    at = places(stack)
    names = [f"* {contract['name']}" for contract in found]
    foot = 20 + len(stack) * (ROW + GAP)
    legend = ["Each room imports only what stands below it. Dashed: kept apart although it stands below.", *names]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {foot + 18 * len(legend) + 10}" role="img">\n'
        "<title>Rooms of ivif-bench and who may import whom, from the import contracts</title>\n"
        "<style>rect{fill:#f4f6f8;stroke:#52606d}text{font:11px sans-serif;fill:#1f2933}"
        ".name{font:bold 13px monospace}.may{stroke:#52606d;stroke-width:2;fill:none}"
        ".not{stroke:#c0392b;stroke-dasharray:5 4;fill:none}</style>\n"
        '<defs><marker id="may" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#52606d"/></marker><marker id="not" viewBox="0 0 8 8" refX="7" refY="4" '
        'markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#c0392b"/></marker></defs>'
    )
    words = (
        f'<text x="{LEFT}" y="{foot + 18 * number:.0f}">{escape(line)}</text>' for number, line in enumerate(legend)
    )
    return "\n".join([head, *boxes(at, root), *arrows(stack, at), *forbidden(found, at), *words, "</svg>"]) + "\n"


if __name__ == "__main__":
    (ROOT / "docs" / "architecture.svg").write_text(draw())
