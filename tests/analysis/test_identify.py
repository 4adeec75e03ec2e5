"""Which convention made a table: every convention is found, moved claims match nothing, mixtures are told apart."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from typer.testing import CliRunner

from bench.analysis.claims import parse_claims
from bench.analysis.identify import Identification, Scored, identify, wanted_metrics
from bench.cli import app
from bench.images import read_image
from bench.metrics import PairScorer
from bench.metrics.catalogue import CONVENTIONS, METRICS
from bench.types import Image

METHODS = ("one", "two", "three")
Values = Mapping[tuple[str, str], dict[tuple[str, str], float]]
"""(Method, pair) -> (convention, metric) -> value."""
Key = tuple[str, str]


def scene(seed: int, height: int = 56, width: int = 64) -> tuple[Image, Image, dict[str, Image]]:
    """A grey pair with dark, white and flat places, and the fused images of three methods."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / 7.0
    ir = 120 + 90 * np.sin(x + seed) * np.cos(0.7 * y) + rng.normal(0, 4, x.shape)
    vis = 100 + 110 * np.cos(1.3 * x * y / 5 + seed) + rng.normal(0, 9, x.shape)
    ir[:12, :14], vis[-10:, -20:] = 255, 3
    fused = {"one": (ir + vis) / 2, "two": np.maximum(ir, vis), "three": 0.3 * ir + 0.9 * vis - 15}
    ir, vis = (np.clip(image, 0, 255).astype(np.uint8) for image in (ir, vis))
    return ir, vis, {name: np.clip(image, 0, 255).astype(np.uint8) for name, image in fused.items()}


@pytest.fixture(scope="module")
def values() -> tuple[Values, float]:
    """What every convention gives for four pairs and three methods, but for FMI, and the number of pixels."""
    chosen = {name: _affordable(name) for name in CONVENTIONS}
    found = {}
    for pair in range(4):
        ir, vis, fused = scene(pair)
        scorer = PairScorer(ir, vis, chosen)
        for method, image in fused.items():
            found[method, str(pair)] = {(v.convention, v.metric): v.value for v in scorer.score(image)}
    return found, float(ir.size)


def _affordable(name: str) -> list[str]:
    entry = CONVENTIONS[name]
    return [
        metric for metric in entry.metrics
        if entry.uses[metric].smallest <= 56 and entry.uses[metric].channels != "together" and "FMI" not in metric
    ]  # fmt: skip


class Bench:
    """Makes tables of known values and asks what made them."""

    def __init__(self, values: Values, pixels: float) -> None:
        self.values, self.pixels = values, pixels

    def rows(self, per_image: bool) -> list[list[Key]]:
        if per_image:
            return [[key] for key in self.values]
        return [[key for key in self.values if key[0] == method] for method in dict.fromkeys(m for m, _ in self.values)]

    def mean(self, row: Sequence[Key], convention: str, metric: str) -> float:
        return float(np.mean([self.values[key][convention, metric] for key in row]))

    def table(
        self, columns: Sequence[Key], digits: int, per_image: bool, move: tuple[int, int, int] | None = None
    ) -> str:
        lines = ["method,pair," + ",".join(metric for _, metric in columns)]
        for index, row in enumerate(self.rows(per_image)):
            cells = [f"{self.mean(row, *column):.{digits}f}" for column in columns]
            if move is not None and move[0] == index:
                cells[move[1]] = f"{float(cells[move[1]]) + move[2] * 10.0**-digits:.{digits}f}"
            lines.append(",".join([row[0][0], row[0][1] if per_image else "", *cells]))
        return "\n".join(lines)

    def ask(self, text: str, per_image: bool) -> Identification:
        table = parse_claims(text)
        rows = self.rows(per_image)
        wanted = [(name, metric) for name, metrics in wanted_metrics(table).items() for metric in metrics]
        known = [key for key in wanted if key in next(iter(self.values.values()))]
        return identify(table, Scored(
            {(name, "", metric): [np.array([self.values[key][name, metric] for key in row]) for row in rows]
             for name, metric in known},
            [np.full(len(row), self.pixels) for row in rows],
        ))  # fmt: skip

    def same(self, first: Key, second: Key, per_image: bool) -> bool:
        """Whether two ways give the same values as far as each is stated to be exact."""
        error = CONVENTIONS[first[0]].stated_error(first[1]) + CONVENTIONS[second[0]].stated_error(second[1])
        return all(
            math.isclose(self.mean(row, *first), self.mean(row, *second), rel_tol=error, abs_tol=1e-12)
            for row in self.rows(per_image)
        )

    def wrong(self, columns: Sequence[Key], digits: int, per_image: bool) -> list[str]:
        """The columns whose verdict is neither the convention that made them nor one of equal values."""
        found = self.ask(self.table(columns, digits, per_image), per_image)
        return [
            f"{digits} digits, {'images' if per_image else 'means'}: {column} called {each.verdict} {each.variant}"
            for column, each in zip(columns, found.columns, strict=True)
            if each.variant or each.verdict == "none"
            or not self.same(column, (each.verdict, each.metric), per_image)
        ]  # fmt: skip


@pytest.mark.parametrize("name", CONVENTIONS)
@pytest.mark.parametrize("per_image", [True, False])
def test_a_table_is_traced_to_the_convention_that_made_it(
    values: tuple[Values, float], name: str, per_image: bool
) -> None:
    bench = Bench(*values)
    columns = [(name, metric) for metric in _affordable(name)]
    for digits in (2, 3, 4):
        assert not bench.wrong(columns, digits, per_image)
        verdicts = [each.verdict for each in bench.ask(bench.table(columns, digits, per_image), per_image).columns]
        assert set(verdicts) == {name}, (digits, verdicts)


def test_claims_moved_by_two_in_the_last_digit_are_met_by_nothing(values: tuple[Values, float]) -> None:
    bench = Bench(*values)
    rng = np.random.default_rng(0)
    names = list(CONVENTIONS)
    for _ in range(100):
        name = names[rng.integers(len(names))]
        metrics = _affordable(name)
        column = (name, metrics[rng.integers(len(metrics))])
        per_image, digits = bool(rng.integers(2)), int(rng.integers(2, 5))
        row = int(rng.integers(len(bench.rows(per_image))))
        size = abs(bench.mean(bench.rows(per_image)[row], *column))
        if CONVENTIONS[name].stated_error(column[1]) * size > 10.0**-digits:
            continue  # the original is not known to two units of this digit
        text = bench.table([column], digits, per_image, (row, 0, 2 if rng.integers(2) else -2))
        (found,) = bench.ask(text, per_image).columns
        assert found.verdict == "none", (column, digits, per_image, text)
        assert found.near


def test_one_short_number_is_met_by_no_metric_of_another_name(values: tuple[Values, float]) -> None:
    bench = Bench(*values)
    key = next(iter(bench.values))
    found = bench.values[key]
    keys = (("standard", "AG"), ("vifb", "Avg_gradient"))
    alone = {source: f"method,AG\n{key[0]},{found[source]:.1f}" for source in keys}
    rows = bench.rows
    bench.rows = lambda per_image: rows(True)[:1]  # type: ignore[method-assign]
    assert bench.ask(alone[keys[0]], False).columns[0].verdict != "none"
    column = bench.ask(alone[keys[1]], False).columns[0]
    assert "vifb" not in {match.convention for match in column.matches}
    assert "vifb" in {match.convention for match in column.near}
    long = bench.ask(f"method,AG\n{key[0]},{found[keys[1]]:.5f}", False).columns[0]
    assert "vifb" in {match.convention for match in long.matches}
    backed = f"method,AG,Spatial_frequency\n{key[0]},{found[keys[1]]:.1f},{found['vifb', 'Spatial_frequency']:.4f}"
    assert "vifb" in {match.convention for match in bench.ask(backed, False).columns[0].matches}


def test_a_stated_error_excuses_no_single_claim_among_exact_ones(values: tuple[Values, float]) -> None:
    bench = Bench(*values)
    column = ("ivif_zoo", "EI")  # its original ran in single precision
    rows = bench.rows(per_image=True)
    size = min(bench.mean(row, *column) for row in rows)
    error = CONVENTIONS["ivif_zoo"].stated_error("EI") * size
    digits = math.ceil(-math.log10(error / 2.5))
    assert 2 * 10.0**-digits < error  # a claim moved by two stays within the error
    moved = bench.table([column], digits, True, (0, 0, 2))
    assert bench.ask(bench.table([column], digits, True), True).columns[0].verdict == "ivif_zoo"
    assert "ivif_zoo" not in {match.convention for match in bench.ask(moved, True).columns[0].matches}


@pytest.mark.parametrize(
    ("first", "second"),
    [("seafusion2022", "cddfuse"), ("standard", "vifb"), ("tang2023", "ivif_zoo"), ("liu2012", "cddfuse")],
)
def test_a_mixture_is_told_apart_column_by_column(values: tuple[Values, float], first: str, second: str) -> None:
    bench = Bench(*values)
    ideas = {METRICS[metric].idea for metric in _affordable(first)}
    columns = [(first, metric) for metric in _affordable(first)[::2]]
    taken = {METRICS[metric].idea for _, metric in columns}
    columns += [(second, m) for m in _affordable(second) if METRICS[m].idea not in taken and METRICS[m].idea in ideas]
    if first == "liu2012":
        columns += [(second, metric) for metric in ("SF", "SD", "AG", "PSNR")]
    for digits in (3, 4):
        assert not bench.wrong(columns, digits, per_image=True)


@pytest.mark.parametrize(
    ("header", "source", "change", "verdict"),
    [
        ("VIF", ("seafusion2022", "VIF"), lambda v: v / 2, ("seafusion2022", "mean over the two sources")),
        ("SSIM", ("standard", "SSIM"), lambda v: 2 * v, ("vifb", "")),
        ("SD", ("standard", "SD"), lambda v: v / 255, ("standard", "of 0..1")),
        ("EN", ("standard", "EN"), lambda v: v * math.log(2), ("standard", "nats")),
        ("SF", ("seafusion2022", "SF"), lambda v: v, ("seafusion2022", "")),
        ("RMSE", ("standard", "MSE"), math.sqrt, ("standard", "root of the mean squared error")),
        ("SD", ("standard", "SD"), lambda v: v * math.sqrt(3584 / 3583), ("standard", "sample in place of population")),
        ("VIFF", ("cddfuse", "VIF"), lambda v: v, ("standard", "")),
        ("my number", ("seafusion2022", "SD"), lambda v: v, ("seafusion2022", "")),
    ],
)
def test_variants_and_other_names_are_recognised(
    values: tuple[Values, float], header: str, source: Key, change: Callable[[float], float], verdict: tuple[str, str]
) -> None:
    bench = Bench(*values)
    cells = [f"{method},{pair},{change(found[source]):.5f}" for (method, pair), found in bench.values.items()]
    (column,) = bench.ask("\n".join([f"method,pair,{header}", *cells]), True).columns
    assert (column.verdict, column.variant) == verdict


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Infrared, visible and fused folders of two methods, in colour where the scene has it."""
    for pair in range(3):
        ir, vis, fused = scene(pair)
        if pair == 2:  # grey among colour: read alike in every way
            vis, fused = fused["one"], dict.fromkeys(fused, fused["one"])
        colour = {"one": np.dstack([fused["one"], fused["two"], fused["three"]]), "two": fused["two"]}
        images = {
            "ir": ir,
            "vis": np.dstack([vis, vis, fused["one"]]),
            "fused/One-Net": colour["one"],
            "fused/two": colour["two"],
        }
        for folder, image in images.items():
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            PillowImage.fromarray(image).save(tmp_path / folder / f"{pair:02}.png")
    return tmp_path


def run(folders: Path, table: str, fused: str = "fused") -> tuple[int, dict, str]:
    (folders / "claim.csv").write_text(table, encoding="utf-8")
    result = CliRunner().invoke(app, [
        "identify", "--fused", str(folders / fused), "--ir", str(folders / "ir"), "--vis", str(folders / "vis"),
        "--claim", str(folders / "claim.csv"), "--json", str(folders / "out.json"),
    ])  # fmt: skip
    found = json.loads((folders / "out.json").read_text()) if result.exit_code == 0 else {}
    return result.exit_code, found, result.output + str(result.exception or "")


def claimed(folders: Path, convention: str, metrics: list[str], order: int = 1) -> dict[str, list[dict[str, float]]]:
    """Method folder -> values of each image; ``order`` -1 reads colour as BGR."""
    found: dict[str, list[dict[str, float]]] = {}
    for method in ("One-Net", "two"):
        for pair in range(3):
            images = [read_image(folders / part / f"{pair:02}.png") for part in ("ir", "vis", f"fused/{method}")]
            ir, vis, fused = (image if image.ndim == 2 else image[..., ::order].copy() for image in images)
            scores = PairScorer(ir, vis, {convention: metrics}).score(fused)
            found.setdefault(method, []).append({value.metric: value.value for value in scores})
    return found


def test_the_command_reads_means_of_several_methods(folders: Path) -> None:
    metrics = ["EN", "MI", "SF", "SD"]
    values = claimed(folders, "cddfuse", metrics)
    lines = [
        f"{name}," + ",".join(f"{np.mean([v[m] for v in rows]):.4f}" for m in metrics) for name, rows in values.items()
    ]
    table = "Method,EN,MI,SF,SD\n" + "\n".join(lines).replace("One-Net", "OneNet [7]") + "\nAbsent,1,2,3,4\n"
    code, found, output = run(folders, table)
    assert code == 0, output
    assert [column["verdict"] for column in found["columns"]] == ["cddfuse"] * 4
    match = found["columns"][1]["matches"][0]
    assert (match["convention"], match["variant"]) == ("cddfuse", "")
    assert match["worst_relative"] < 1e-3
    assert "no folder of Absent" in output
    assert "EN, MI, SF, SD as in ivif-bench convention `cddfuse`." in output


def test_the_command_reads_images_and_swapped_channels(folders: Path) -> None:
    rows = claimed(folders, "standard", ["SD", "EN"], order=-1)["One-Net"]
    table = "image,SD,EN\n" + "\n".join(f"{i},{row['SD']:.4f},{row['EN']:.4f}" for i, row in enumerate(rows))
    code, found, output = run(folders, table, "fused/One-Net")
    assert code == 0, output
    assert [column["verdict"] for column in found["columns"]] == ["standard"] * 2
    assert "BGR" in found["columns"][0]["matches"][0]["variant"]


def test_what_cannot_be_judged_is_said(folders: Path) -> None:
    code, _, output = run(folders, "pair,EN\n99,7.0\n", "fused/two")
    assert code != 0
    assert "no fused, infrared and visible image of pair 99" in output
    code, found, output = run(folders, "pair,EN\n00,9.99\n", "fused/two")
    assert code == 0
    assert found["columns"][0]["verdict"] == "none"
    assert found["columns"][0]["matches"] == []


@pytest.mark.slow
def test_the_published_images_are_traced(shared: Path) -> None:
    """Seven conventions, 2 to 4 digits, images and means of five methods on the 13 published pairs."""
    methods = ("DenseFuse", "IFCNN", "PIAFusion", "SeAFusion", "U2Fusion")
    pairs = ("01", "05", "07", "09", "13", "15", "17", "21", "25", "29", "33", "37", "41")
    chosen = {name: list(entry.quick) for name, entry in CONVENTIONS.items()}
    found: dict[Key, dict[Key, float]] = {}
    pixels = 0.0
    for pair in pairs:
        sources = [read_image(shared / "data" / "TNO" / part / f"{pair}.png") for part in ("ir", "vi")]
        scorer = PairScorer(*sources, chosen)
        pixels = float(sources[0].shape[0] * sources[0].shape[1])
        for method in methods:
            image = read_image(shared / "reference" / "tno_published" / method / f"{pair}.png")
            found[method, pair] = {(v.convention, v.metric): v.value for v in scorer.score(image)}
    bench = Bench(found, pixels)
    wrong = [
        line
        for name, entry in CONVENTIONS.items() for digits in (2, 3, 4) for per_image in (True, False)
        for line in bench.wrong([(name, metric) for metric in entry.quick], digits, per_image)
    ]  # fmt: skip
    assert not wrong
