"""The run folder: atomic writes, journals that survive a half line, names that stay inside."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError, StoppedError
from bench.files import digest
from bench.store.draws import keep_draws, kept_draws
from bench.store.fused import fused_is_whole, write_fused
from bench.store.journal import Journal
from bench.store.run_folder import Store
from bench.store.scores import scores_frame, write_table
from bench.types import SCORE_COLUMNS, PairFiles, Score


def score(**changes: object) -> Score:
    return Score(
        **{"task": "metrics", "dataset": "d", "split": "test", "method": "m", "metric": "EN", "value": 1.0, **changes}
    )  # type: ignore[arg-type]


def test_a_half_line_is_ignored_and_the_next_one_counts(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.jsonl")
    journal.append({"a": 1})
    with journal.path.open("ab") as file:
        file.write(b'{"a": 2, "b')
    assert list(journal.lines()) == [{"a": 1}]
    journal.append({"a": 3})
    assert list(journal.lines()) == [{"a": 1}, {"a": 3}]


def test_digest_tells_where_a_part_ends() -> None:
    assert digest("ab", "c") != digest("a", "bc")


def test_a_fused_image_is_trusted_only_as_written(tmp_path: Path) -> None:
    store = Store(tmp_path)
    files = PairFiles("d", "test", "p", tmp_path, tmp_path)
    line = write_fused(store, files, "m", np.zeros((4, 4, 3), np.uint8))
    assert fused_is_whole(store, "d", "m", line)
    path = store.fused_path("d", "test", "m", "p")
    data = path.read_bytes()
    path.write_bytes(data[:-1] + b"x")
    assert not fused_is_whole(store, "d", "m", line)
    path.write_bytes(data)
    assert fused_is_whole(store, "d", "m", line), "a copied run folder has new times but the same bytes"
    path.unlink()
    assert not fused_is_whole(store, "d", "m", line)


@pytest.mark.parametrize("name", ["..", ".hidden", "a/b", "a\\b", "", "x" * 300, "a\x00b"])
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BenchError, match="not usable as a file name"):
        Store(tmp_path).fused_path("d", "test", "m", name)


def test_csv_and_parquet_hold_the_same_numbers(tmp_path: Path) -> None:
    frame = scores_frame([score(value=0.1 + 0.2), score(metric="MI", value=None, status="failed", reason="why")])
    for name in ("s.csv", "s.parquet"):
        write_table(frame, tmp_path / name)
    # as text: pandas 2.1 reads 0.30000000000000004 as 0.3
    read = pd.read_csv(tmp_path / "s.csv", dtype=str, keep_default_na=False)
    assert list(read.columns) == list(SCORE_COLUMNS)
    assert [text and float(text) for text in read["value"]] == [0.1 + 0.2, ""]
    assert pd.read_parquet(tmp_path / "s.parquet")["value"].tolist()[0] == 0.1 + 0.2


def test_the_later_of_two_equal_rows_is_kept() -> None:
    frame = scores_frame([score(value=1.0), score(value=2.0)])
    assert frame["value"].tolist() == [2.0]


def test_an_unknown_table_extension_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"wanted \.csv or \.parquet"):
        write_table(scores_frame([score()]), tmp_path / "s.xlsx")


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOSPC, StoppedError, "stopped: .*s.csv: cannot be written .*; free space or choose another --out"),
        (errno.EROFS, StoppedError, "stopped: .*s.csv: cannot be written"),
        (errno.EACCES, BenchError, "s.csv: cannot be written .*; choose another folder, or mend its permissions"),
    ],
)
def test_a_disk_that_takes_no_table_stops_the_run_in_the_words_of_all_stops(
    number: int, kind: type[Exception], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("bench.store.scores.write_atomic", refuse)
    with pytest.raises(kind, match=words) as caught:
        write_table(scores_frame([score()]), tmp_path / "s.csv")
    assert type(caught.value) is kind


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(BenchError, match="not readable as JSON"):
        Store(tmp_path).read_manifest()


def test_draws_come_back_under_the_names_they_were_kept_by(tmp_path: Path) -> None:
    """NumPy before 2.1 took an option of its own for one more array."""
    arrays = {
        "0.values": np.arange(6.0).reshape(2, 3),
        "0.pairs": np.array([], dtype=np.str_),
        "0.reason": np.array(""),
    }
    keep_draws(Store(tmp_path), ("a", "b"), "key", arrays)
    kept = kept_draws(Store(tmp_path), ("a", "b"), "key")
    assert kept is not None
    assert {name: (one.shape, one.tolist()) for name, one in kept.items()} == {
        name: (one.shape, one.tolist()) for name, one in arrays.items()
    }
    assert kept_draws(Store(tmp_path), ("a", "b"), "another") is None
