"""The engine against numbers that others published or that their own code computed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from bench.images import read_image
from bench.metrics import PairScorer, evaluate

pytestmark = pytest.mark.usefixtures("either_engine")

OTHER_FILES = ("SwinFusion", "YDTR")
"""VIFB methods whose published numbers do not belong to the published images: nearly every value differs, both ways."""


def tno_rows(shared: Path, table: str) -> Iterator[tuple[str, str, pd.Series, PairScorer, Path]]:
    convention = {"published": "seafusion2022", "matlab": "tang2023", "cddfuse": "cddfuse"}[table]
    rows = pd.read_csv(shared / "reference" / f"tno_{table}_metrics.csv", dtype={"image": str})
    metrics = [column for column in rows.columns if column not in ("method", "image")]
    for image, group in rows.groupby("image"):
        sources = [read_image(shared / "data" / "TNO" / part / f"{image}.png") for part in ("ir", "vi")]
        scorer = PairScorer(*sources, (convention,), metrics)
        for _, row in group.iterrows():
            path = shared / "reference" / "tno_published" / row["method"] / f"{image}.png"
            yield f"{row['method']} {image}", convention, row[metrics], scorer, path


@pytest.mark.parametrize(
    ("table", "count", "relative", "absolute", "looser"),
    [
        # published with 15 to 17 digits; VIF of flat, clipped areas is rounding noise around a threshold
        ("published", 117, 0.0, 1e-9, {"VIF": 2e-8}),
        ("matlab", 27, 0.0, 1e-9, {}),
        # the original computes most sums in float32
        ("cddfuse", 27, 1e-6, 0.0, {"SSIM": 1e-5}),
    ],
)
def test_every_published_tno_number_is_reproduced(
    shared: Path, table: str, count: int, relative: float, absolute: float, looser: dict[str, float]
) -> None:
    seen = 0
    for where, convention, expected, scorer, path in tno_rows(shared, table):
        values = scorer.score(read_image(path))
        assert [value.metric for value in values] == [m for m in scorer.metrics[convention] if m in expected.index]
        assert len(values) == len(expected)
        for value in values:
            tolerance = looser.get(value.metric)
            rel, abs_ = (relative, absolute) if tolerance is None else (relative and tolerance, absolute and tolerance)
            assert value.value == pytest.approx(expected[value.metric], rel=rel, abs=abs_), f"{where} {value.metric}"
        seen += 1
    assert seen == count


def test_slow_metrics_match_the_octave_run(shared: Path) -> None:
    rows = pd.read_csv(shared / "reference" / "tno_matlab_slow_metrics.csv", dtype={"image": str})
    assert len(rows) == 9
    for image, group in rows.groupby("image"):
        sources = [read_image(shared / "data" / "TNO" / part / f"{image}.png") for part in ("ir", "vi")]
        chosen = {"seafusion2022": ["SSIM", "MS_SSIM", "Nabf"], "tang2023": ["MS_SSIM", "Nabf"]}
        scorer = PairScorer(*sources, chosen)
        for _, row in group.iterrows():
            fused = read_image(shared / "reference" / "tno_published" / row["method"] / f"{image}.png")
            got = {(value.convention, value.metric): value.value for value in scorer.score(fused)}
            for metric in ("SSIM", "MS_SSIM", "Nabf"):
                assert got["seafusion2022", metric] == pytest.approx(row[metric], abs=1e-12), (row["method"], metric)
            assert got["tang2023", "MS_SSIM"] == got["seafusion2022", "MS_SSIM"]
            if not pd.isna(row["Nabf_tang2023"]):
                assert got["tang2023", "Nabf"] == pytest.approx(row["Nabf_tang2023"], abs=1e-12)


def test_feature_mutual_information_matches_the_octave_run_on_crops(shared: Path) -> None:
    rows = pd.read_csv(shared / "reference" / "tno_matlab_fmi_crop.csv", dtype={"image": str})
    assert len(rows) == 18
    for _, row in rows.iterrows():
        (top, bottom), (left, right) = (map(int, row[axis].split(":")) for axis in ("rows", "cols"))
        folders = [shared / "data" / "TNO" / part for part in ("ir", "vi")]
        folders.append(shared / "reference" / "tno_published" / row["method"])
        crops = []
        for folder in folders:
            image = read_image(folder / f"{row['image']}.png")
            crops.append(image[top:bottom, left:right])
        names = ["FMI_pixel", "FMI_dct", "FMI_raw", "FMI_gradient"]
        got = evaluate(*crops, convention="seafusion2022", metrics=names)
        for name in names:
            assert got[name] == pytest.approx(row[name], abs=1e-11), (row["method"], row["image"], name)


def vifb_mismatches(shared: Path, methods: set[str] | None) -> tuple[int, list[str]]:
    """How many published values were compared, and those that differ in a printed digit."""
    rows = pd.read_csv(shared / "reference" / "vifb_published_metrics.csv", dtype=str)
    rows = rows[~rows["method"].isin(OTHER_FILES)]
    if methods is not None:
        rows = rows[rows["method"].isin(methods)]
    compared, wrong = 0, []
    for image, group in rows.groupby("image"):
        sources = [read_image(shared / "data" / "VIFB" / part / f"{image}.jpg") for part in ("ir", "vi")]
        scorer = PairScorer(*sources, ("vifb",))
        for _, row in group.iterrows():
            fused = read_image(shared / "reference" / "vifb_published" / f"{image}_{row['method']}.jpg")
            for value in scorer.score(fused):
                compared += 1
                if value.value is None or float(f"{value.value:.5g}") != float(row[value.metric]):
                    wrong.append(
                        f"{image} {row['method']} {value.metric}: {value.value}, published {row[value.metric]}"
                    )
    return compared, wrong


def test_vifb_numbers_agree_in_every_printed_digit(shared: Path) -> None:
    compared, wrong = vifb_mismatches(shared, {"GTF"})
    assert compared == 11 * 13
    assert not wrong


@pytest.mark.slow
def test_all_vifb_numbers_agree_in_every_printed_digit(shared: Path) -> None:
    compared, wrong = vifb_mismatches(shared, None)
    assert compared == 3289
    assert not wrong


SINGLE_PRECISION = {"VIF": 2e-4, "SSIM": 1e-3, "MS_SSIM": 3e-4, "Qcb": 1e-3}
"""Of ``ivif_zoo``: what float32 leaves of differences of large squares, and of a filter built in float32."""
ROUNDING_DECIDES = {"Q_C": 2e-2}
"""Of ``liu2012``: in flat areas the sign of a rounding residue chooses between 0, 1 and the formula."""


def assert_row_is_reproduced(
    shared: Path, convention: str, pair: str, rows: pd.DataFrame, relative: float, looser: dict[str, float]
) -> int:
    sources = [read_image(shared / "data" / "TNO" / part / f"{pair}.png") for part in ("ir", "vi")]
    scorer = PairScorer(*sources, (convention,), "all")
    compared = 0
    for _, row in rows.iterrows():
        fused = read_image(shared / "reference" / "tno_published" / row["method"] / f"{pair}.png")
        for value in scorer.score(fused):
            if pd.isna(row[value.metric]):
                continue  # both covariances of a window cancelled exactly in Octave
            tolerance = looser.get(value.metric, relative)
            assert value.value == pytest.approx(row[value.metric], rel=tolerance), (pair, row["method"], value.metric)
            compared += 1
    return compared


def more_rows(shared: Path, convention: str) -> pd.DataFrame:
    return pd.read_csv(shared / "reference" / f"tno_{convention}_metrics.csv", dtype={"pair": str})


@pytest.mark.parametrize(
    ("convention", "relative", "looser"),
    [("ivif_zoo", 2e-6, SINGLE_PRECISION), ("liu2012", 1e-11, ROUNDING_DECIDES)],
)
def test_a_row_of_each_survey_is_reproduced(
    shared: Path, convention: str, relative: float, looser: dict[str, float]
) -> None:
    rows = more_rows(shared, convention)
    rows = rows[(rows["pair"] == "05") & (rows["method"] == "SeAFusion")]
    assert assert_row_is_reproduced(shared, convention, "05", rows, relative, looser) == len(rows.columns) - 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("convention", "relative", "looser", "count"),
    [("ivif_zoo", 2e-6, SINGLE_PRECISION, 18 * 21), ("liu2012", 1e-11, ROUNDING_DECIDES, 18 * 16 - 1)],
)
def test_all_rows_of_each_survey_are_reproduced(
    shared: Path, convention: str, relative: float, looser: dict[str, float], count: int
) -> None:
    compared = sum(
        assert_row_is_reproduced(shared, convention, str(pair), rows, relative, looser)
        for pair, rows in more_rows(shared, convention).groupby("pair")
    )
    assert compared == count
