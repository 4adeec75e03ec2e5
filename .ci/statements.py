"""What metrics, statistics and a smoke run say, held to what they said on other arithmetic (the file COMPARE).

``python .ci/statements.py OUT.json``. Numbers may differ by rounding (relative 1e-6); who is better, what is
significant, who is ranked where and which rows there are may not.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

METHODS = ("visible", "infrared", "average", "laplacian_pyramid", "wavelet")
ROUNDING = 1e-6


def made() -> dict[str, Any]:
    """All statements of a smoke run on generated scenes."""
    from bench.analysis.stats_command import stats_command
    from bench.run.config import RunConfig
    from bench.run.stages import run
    from bench.store.run_folder import Store

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        result = run(RunConfig(
            methods=METHODS, datasets=("demo",), tasks=("metrics",), out=out, limit=6, executor="inline",
            conventions=("standard", "seafusion2022", "tang2023"), device="cpu",
        ))  # fmt: skip
        if result.exit_code:
            raise SystemExit(f"the smoke run failed: {result.failed}")
        frame = Store(out).read_scores()
        keys = ("dataset", "split", "method", "pair", "convention", "metric")
        rows = {"/".join(str(row[key]) for key in keys): row["value"] for row in frame.to_dict("records")}
        said = dict(stats_command([out], (), "standard", 0, "all", None))
    return {"rows": rows, "said": said}


def differences(first: Any, second: Any, where: str = "") -> list[str]:
    """Places where two statements differ by more than rounding."""
    if isinstance(first, dict) and isinstance(second, dict):
        if first.keys() != second.keys():
            return [f"{where}: keys {sorted(first.keys() ^ second.keys())[:3]}"]
        return [line for key in first for line in differences(first[key], second[key], f"{where}/{key}")]
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        return [line for a, b in zip(first, second, strict=True) for line in differences(a, b, where)]
    if isinstance(first, float) and isinstance(second, float):
        same = math.isclose(first, second, rel_tol=ROUNDING, abs_tol=1e-9) or (math.isnan(first) and math.isnan(second))
        return [] if same else [f"{where}: {first!r} and {second!r}"]
    return [] if first == second else [f"{where}: {first!r} and {second!r}"]


def main() -> None:
    """Writes the statements, compares, says what differs."""
    found = json.loads(json.dumps(made(), default=str))
    Path(sys.argv[1]).write_text(json.dumps(found))
    other = os.environ.get("COMPARE")
    if other:
        wrong = differences(json.loads(Path(other).read_text()), found)
        same = f"{len(found['rows'])} rows and {len(found['said'])} tables: the same"
        print("\n".join(wrong[:20]) or same)  # noqa: T201
        raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
