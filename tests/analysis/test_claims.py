"""Tables of claims as papers print them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.analysis.claims import ClaimTable, parse_claims, read_claims
from bench.errors import BenchError
from bench.metrics.catalogue import METRICS
from bench.metrics.spellings import ideas_of

CSV = "Method,EN,MI,Q^{AB/F}\nDenseFuse,6.64,2.14,0.43\nSeAFusion,7.17,2.54,0.47\n"
MARKDOWN = """
| Method | EN ↑ | MI | $Q^{AB/F}$ |
|:---|---:|---|---|
| DenseFuse [3] | 6.64 | 2.14±0.3 | 0.43 |
| **SeAFusion** | **7.17** | <u>2.54</u> | *0.47* |
"""
LATEX = r"""
\begin{table}[t] \caption{Results on TNO.} \label{tab:tno}
\begin{tabular}{l|ccc} \toprule
Method & EN$\uparrow$ & MI & $Q^{AB/F}$ \\ \midrule
DenseFuse~\cite{li2019} & 6.64 & 2.14 $\pm$ 0.3 & .43 \\ % a remark & here \\
\rowcolor{gray} SeAFusion & \textbf{7.17} & \underline{2.54} & \textcolor{red}{0.47} \\[2pt]
\bottomrule \end{tabular} \end{table}
"""
TURNED = "Metric,DenseFuse,SeAFusion\nEN,6.64,7.17\nMI,2.14,2.54\nQabf,0.43,0.47\n"
SEMICOLON = CSV.replace(",", ";")


def numbers(table: ClaimTable) -> list[list[float | None]]:
    return [[claim and claim.value for claim in column.claims] for column in table.columns]


@pytest.mark.parametrize("text", [CSV, MARKDOWN, LATEX, TURNED, SEMICOLON])
def test_every_way_to_print_a_table_gives_the_same_claims(text: str) -> None:
    table = parse_claims(text)
    assert numbers(table) == [[6.64, 7.17], [2.14, 2.54], [0.43, 0.47]]
    assert [ideas_of(column.header)[0] for column in table.columns] == ["EN", "MI", "Qabf"]
    assert [method.split(" [")[0] for method, _ in table.rows] == ["DenseFuse", "SeAFusion"]
    assert all(pair == "" for _, pair in table.rows)
    assert {claim.half for column in table.columns for claim in column.claims if claim} == {0.005}


def test_rows_of_images_and_of_one_method() -> None:
    table = parse_claims("pair,EN,venue\n01,6.64,here\n02,7.17,there\nmean,6.91,\n")
    assert table.rows == (("", "01"), ("", "02"))
    assert table.ignored == ("venue",)
    assert parse_claims("EN,SD\n6.64,27.7\n").rows == (("", ""),)


def test_precision_is_that_of_the_print() -> None:
    table = parse_claims("EN,MSE\n6.640,1.03e+03\n-,2\n")
    assert table.columns[0].claims[1] is None
    assert table.columns[0].claims[0].half == pytest.approx(0.0005)
    assert [claim.half for claim in table.columns[1].claims] == pytest.approx([5.0, 0.5])


def test_dropped_zeros_of_a_column_with_equal_decimals_are_seen() -> None:
    values = ["7.12", "6.83", "7.1", "6.55", "6.91", "7.03"]
    table = parse_claims("EN\n" + "\n".join(values) + "\n")
    assert {claim.half for claim in table.columns[0].claims} == {0.005}
    significant = parse_claims("VIF\n0.951\n0.87\n1.12\n1.1\n0.914\n0.962\n0.933\n0.921\n0.988\n0.977\n0.856\n")
    halves = [claim.half for claim in significant.columns[0].claims]
    assert halves == pytest.approx([0.0005, 0.0005, 0.005, 0.005, *[0.0005] * 7])
    mixed = parse_claims("MSE\n1030\n998.1\n87.13\n9.1\n12\n")
    assert [claim.half for claim in mixed.columns[0].claims] == pytest.approx([0.5, 0.05, 0.005, 0.05, 0.5])


def test_every_metric_is_known_by_its_name() -> None:
    for name, entry in METRICS.items():
        assert ideas_of(name)[0] == entry.idea, name
    assert ideas_of("Entropy (EN)")[0] == "EN"
    assert "VIF" in ideas_of("VIFF")
    assert ideas_of("Mutual Informaton") == ("MI",)
    assert ideas_of("runtime") == ()


@pytest.mark.parametrize(
    ("text", "words"), [("EN\n", "1 table rows"), ("method,EN\nx,-\n", "no column of numbers"), ("", "0 table rows")]
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BenchError, match=words):
        read_claims(path)
    with pytest.raises(BenchError, match="cannot be read"):
        read_claims(tmp_path / "absent.csv")
