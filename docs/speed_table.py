"""The table of speed as README prints it, from the published result; ``python docs/speed_table.py`` writes it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bench.files import PROJECT_ROOT, PROTOCOL, write_atomic
from bench.store.pack import open_pack

START, END = "<!-- speed: made by python docs/speed_table.py -->", "<!-- end of speed -->"
PACK = PROJECT_ROOT / "results" / PROTOCOL / "speed.zip"
SHOWN = {"latency_ms_mean": 0, "params_M": 3, "flops_G": 1, "peak_memory_MB": 0}
"""Number -> digits."""


def speeds(pack: Path = PACK) -> tuple[pd.DataFrame, str]:
    """Method -> its numbers, the fastest first, and the machine in words.

    Raises:
        BenchError: no pack, or a damaged one.
    """
    with open_pack(pack) as opened:
        rows = opened.scores
    rows = rows[(rows["task"] == "efficiency") & (rows["status"] == "ok") & rows["convention"].eq("")]
    table = rows[rows["metric"].isin(list(SHOWN))].pivot_table(index="method", columns="metric", values="value")
    machine = rows.loc[rows["metric"] == "latency_ms_mean", "reason"].mode()
    return table.sort_values("latency_ms_mean"), str(machine.iloc[0])


def markdown() -> str:
    """One row a method, and the machine below."""
    table, machine = speeds()
    lines = ["| method | ms a pair | parameters (M) | GFLOP | peak memory (MB) |", "|---|---:|---:|---:|---:|"]
    for method, row in table.iterrows():
        fields = ["–" if pd.isna(row.get(name)) else f"{row[name]:.{digits}f}" for name, digits in SHOWN.items()]
        lines.append(f"| `{method}` | {' | '.join(fields)} |")
    return "\n".join([*lines, "", f"640x480, one pair at a time, the method alone, on {machine}."])


def with_table(text: str) -> str:
    """A document with its table between the two marks made anew."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{markdown()}\n{END}{after}"


if __name__ == "__main__":
    readme = PROJECT_ROOT / "README.md"
    write_atomic(readme, with_table(readme.read_text(encoding="utf-8")).encode())
