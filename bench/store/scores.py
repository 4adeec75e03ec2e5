"""The score table: rows to a frame, in one order, written as Parquet and CSV."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError, is_fatal, stop_for
from bench.files import write_atomic
from bench.types import SCORE_COLUMNS, Score

if TYPE_CHECKING:
    import pandas as pd


def scores_frame(scores: Iterable[Score]) -> pd.DataFrame:
    """Scores as a table with the contract's columns, sorted, the later of two equal rows kept."""
    import pandas as pd

    columns = attrgetter(*SCORE_COLUMNS)  # some forty times as fast as asdict, of a hundred thousand rows
    frame = pd.DataFrame([columns(score) for score in scores], columns=list(SCORE_COLUMNS))
    return tidy(frame)


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """Fixed types and order; of rows that speak of the same number the last is kept."""
    keys = [column for column in SCORE_COLUMNS if column not in ("value", "status", "reason")]
    text = [column for column in SCORE_COLUMNS if column != "value"]
    frame = frame.astype({**dict.fromkeys(text, "object"), "value": "float64"})
    frame = frame.drop_duplicates(keys, keep="last").sort_values(keys, kind="stable")
    return frame[list(SCORE_COLUMNS)].reset_index(drop=True)


def same_table(first: pd.DataFrame, second: pd.DataFrame) -> bool:
    """Whether two score tables hold the same rows in the same order; a file read back has other types of text."""
    return tidy(first).equals(tidy(second))


def write_table(scores: pd.DataFrame, path: Path) -> None:
    """Writes a score table as ``.parquet`` or ``.csv`` (full precision), atomically.

    Raises:
        BenchError: another extension, or it may not be written there.
        StoppedError: the disk is full.
    """
    import io

    if path.suffix == ".parquet":
        buffer = io.BytesIO()
        scores.to_parquet(buffer, index=False)
        data = buffer.getvalue()
    elif path.suffix == ".csv":
        data = scores.to_csv(index=False, float_format="%.17g").encode()
    else:
        raise BenchError(f"{path}: extension {path.suffix!r}, wanted .csv or .parquet")
    try:
        write_atomic(path, data)
    except OSError as error:
        seen = f"{path}: cannot be written ({error.strerror})"
        if is_fatal(error):
            raise stop_for(seen) from error
        raise BenchError(f"{seen}; choose another folder, or mend its permissions") from error
