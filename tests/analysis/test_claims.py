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


ODD = {
    "two lines of headers": r"""\begin{tabular}{l|cc|cc}
\multirow{2}{*}{Method} & \multicolumn{2}{c|}{Information} & \multicolumn{2}{c}{Edges} \\ \cline{2-5}
 & EN & SD & SF & Qabf \\ \hline
DenseFuse & 6.64 & 27.7 & 8.11 & 0.43 \\
SeAFusion & 7.17 & 33.1 & 9.42 & 0.47 \\
\end{tabular}""",
    "subscripts and places": r"""\begin{tabular}{lcc}
Methods & \textbf{EN} ($\uparrow$) & SD~$\uparrow$ \\ \hline
DenseFuse\cite{a} & $6.64_{\pm 0.3}$ & $\bm{27.7}$ \\
SeAFusion$^{*}$ & \textbf{7.17}$_{\pm0.1}$ & \underline{33.1}$^{2}$ \\
\end{tabular}""",
    "prose, years, links, raised marks": """Results on TNO (means):

| Method | Year | EN (↑) | SD ↑ |
|--------|------|--------|------|
| DenseFuse | 2019 | 6.64<sup>2</sup> | 27.7 (0.5) |
| [SeAFusion](https://x.y) | 2022 | **7.17**<sup>1</sup> | __33.1__ (0.4) |

Bold is best.""",
    "decimal comma": "Method;EN;SD\nDenseFuse;6,64;27,7\nSeAFusion;7,17;33,1\n",
    "an index": ",Method,EN,SD\n0,DenseFuse,6.64,27.7\n1,SeAFusion,7.17,33.1\n",
    "arrows first": "Method,↑EN,SD↑\nDenseFuse,6.64,27.7\nSeAFusion,7.17,33.1\n",
    "colours": r"""Method & EN & SD \\
DenseFuse & \cellcolor{red!25}{6.64} & {\color{blue} 27.7} \\
SeAFusion & \textcolor{red}{\textbf{7.17}} & \textbf{\textcolor{blue}{33.1}} \\""",
    "plus and minus": "|Method|EN|SD|\n|-|-|-|\n|DenseFuse|6.64 +- 0.3|27.7+/-2.1|\n|SeAFusion|7.17 ± 0.2|33.1±1.0|\n",
    "siunitx": r"""\begin{tabular}{lSS} \toprule {Method} & {EN} & {SD} \\ \midrule DenseFuse & \num{6.64} & 27.7 \\
SeAFusion & 7.17(2) & 33.1(10) \\ \bottomrule \end{tabular}""",
    "a caption with an ampersand": r"""\begin{table*} \caption{Best in \textbf{bold} & second \underline{underlined}.}
\begin{tabular}{lcc} \toprule Method&EN&SD\\\midrule DenseFuse&6.64&27.7\\ SeAFusion&7.17&33.1\\\bottomrule
\end{tabular} \end{table*}""",
    "a remark above": "# from a paper\nmethod,EN,SD\nDenseFuse,6.64,27.7\nSeAFusion,7.17,33.1\n",
    "a spread beside": "Method,EN,EN std,SD\nDenseFuse,6.64,0.3,27.7\nSeAFusion,7.17,0.2,33.1\n",
    "powers of ten": "Method,EN,SD\nDenseFuse,6.64×10^0,277×10⁻¹\nSeAFusion,7.17,33.1\n",
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_tables_are_read_like_plain_ones(name: str) -> None:
    table = parse_claims(ODD[name])
    columns = {ideas_of(column.header)[0]: column.claims for column in table.columns}
    for metric, values, half in (("EN", [6.64, 7.17], 0.005), ("SD", [27.7, 33.1], 0.05)):
        claims = [claim for claim in columns[metric] if claim]
        assert [claim.value for claim in claims] == pytest.approx(values)
        if name != "powers of ten":
            assert [claim.half for claim in claims] == pytest.approx([half, half])
    assert [method for method, _ in table.rows] == ["DenseFuse", "SeAFusion"]
    assert not {"Year", "EN std", ""} & {column.header for column in table.columns}


def test_percent_and_thousands() -> None:
    table = parse_claims('Method,SSIM (%),Qabf,MSE\nA,85.3,43.1%,"1,234.5"\nB,91.2,47.0%,"2,001.1"\n')
    assert numbers(table) == [[0.853, 0.912], [0.431, 0.47], [1234.5, 2001.1]]
    assert table.columns[0].claims[0].half == pytest.approx(0.0005)
