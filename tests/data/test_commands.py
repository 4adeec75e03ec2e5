"""What bench data list, fetch and check are built on."""

from __future__ import annotations

import hashlib
import http.server
import threading
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from bench.data.commands import check_dataset, fetch_dataset, status_rows
from bench.errors import BenchError
from bench.files import PROJECT_ROOT


def test_the_list_counts_what_is_there(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rows = {row.name: row for row in status_rows(root)}
    assert rows["mfnet"].counts == {"train": (2, 1083), "test": (3, 361), "detection": (3, 80)}
    assert rows["mfnet"].folder == root / "MSRS"
    assert (rows["tno"].counts, rows["tno"].how) == ({"test": (3, 42)}, "fetched")
    assert (rows["demo"].folder, rows["demo"].counts, rows["demo"].how) == (None, {}, "generated")
    assert rows["mfnet"].how == "fetched"


def test_the_list_needs_no_folder(tmp_path: Path) -> None:
    assert all(row.folder is None for row in status_rows(tmp_path / "none") if row.how != "generated")


def test_a_whole_data_set_passes(root: Path) -> None:
    report = check_dataset("mfnet", root)
    assert (report.good, report.listed) == (8, 1083 + 361 + 80)
    assert all("listed pairs are not there" in problem.text for problem in report.problems)


def test_one_split_is_checked_when_asked(root: Path) -> None:
    assert check_dataset("mfnet:detection", root).good == 3


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("MSRS/test/Segmentation_labels/00004N.png", np.full((12, 16), 9, np.uint8), "label 9, wanted class ids"),
        ("MSRS/test/Segmentation_labels/00004N.png", np.zeros((6, 8), np.uint8), "labels are 8x6, wanted 16x12"),
        ("MSRS/detection/labels/131.txt", b"7 0.5 0.5 0.1 0.1", "box of class 7, wanted 0 person, 1 bicycle, 2 car"),
        ("MSRS/detection/labels/131.txt", b"0 5 5 1 1", "wanted fractions of the image"),
    ],
)
def test_broken_truth_is_named(root: Path, name: str, content: np.ndarray | bytes, message: str) -> None:
    if isinstance(content, bytes):
        (root / name).write_bytes(content)
    else:
        Image.fromarray(content).save(root / name)
    report = check_dataset("mfnet", root)
    assert report.good == 7
    assert any(message in problem.text for problem in report.problems)


def test_pixels_are_read_to_the_end(root: Path) -> None:
    path = root / "TNO/ir/03.png"
    path.write_bytes(path.read_bytes()[:-30])
    seen: list[tuple[int, int]] = []
    report = check_dataset("tno", root, progress=lambda _, done, total: seen.append((done, total)))
    assert report.good == 2
    assert any(problem.where == "tno test 03" for problem in report.problems)
    assert seen[-1] == (3, 3)


def test_without_a_direct_file_the_way_is_said(tmp_path: Path) -> None:
    fetched = fetch_dataset("m3fd", tmp_path)
    assert fetched.folder is None
    assert fetched.text.startswith("has no direct file with a checksum, get it by hand: ")


def test_what_is_there_is_left_alone(root: Path) -> None:
    fetched = fetch_dataset("mfnet", root)
    assert (fetched.folder, fetched.text[:16]) == (root / "MSRS", "is there already")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_a_direct_file_is_fetched_and_unpacked(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "www").mkdir()
    archive = tmp_path / "www/tno.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted((root / "TNO").rglob("*.png")):
            file.write(path, path.relative_to(root / "TNO"))
    handler = partial(Quiet, directory=str(tmp_path / "www"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        content = yaml.safe_load((PROJECT_ROOT / "datasets.yaml").read_text())
        content["datasets"]["tno"].pop("repository")
        content["datasets"]["tno"]["downloads"] = [
            {
                "url": f"http://127.0.0.1:{server.server_port}/tno.zip",
                "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
                "unpack_to": "TNO",
            }
        ]
        (tmp_path / "datasets.yaml").write_text(yaml.safe_dump(content))
        fetched = fetch_dataset("tno", tmp_path / "new", tmp_path / "datasets.yaml")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert (fetched.folder, fetched.text) == (tmp_path / "new/TNO", "fetched")
    assert check_dataset("tno", tmp_path / "new").good == 3
    assert [path.name for path in (tmp_path / "new").iterdir() if not path.name.endswith(".lock")] == ["TNO"]


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="unknown data set 'tnoo'; did you mean tno"):
        fetch_dataset("tnoo", tmp_path)
