"""A result is made again when the code of its rooms, its data or its libraries changed, and for no other room."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.run import keys

PROJECT = Path(__file__).resolve().parents[2]

ASK = """
import json, sys
from pathlib import Path
from bench.run import keys

def ask():
    keys.stage_digest.cache_clear()
    keys.module_digest.cache_clear()
    return {
        "fuse": keys.fuse_code("methods.average"), "fuse_net": keys.fuse_code("methods.seafusion"),
        "score": keys.stage_digest("score"), "train": keys.train_code("methods.seafusion"),
        "task": keys.task_code("tasks.detection.task"), "measure": keys.stage_digest("measure"),
        "report": keys.stage_digest("report"),
    }

before, changed = ask(), {}
for name in json.loads(sys.argv[1]):
    path = Path(name)
    kept = path.read_bytes() if path.exists() else None
    path.write_bytes((kept or b"") + b"\\n")
    after = ask()
    changed[name] = [stage for stage in before if before[stage] != after[stage]]
    path.unlink() if kept is None else path.write_bytes(kept)
print(json.dumps(changed))
"""

EVERY = {"fuse", "fuse_net", "score", "train", "task", "measure", "report"}
NETWORKS = {"fuse_net", "train"}
TABLE = [
    ("bench/images.py", EVERY),
    ("bench/types.py", EVERY),
    ("bench/data/pairs.py", EVERY),
    ("bench/data/listing.py", EVERY),
    ("bench/metrics/information.py", {"score", "report"}),
    ("bench/metrics/convention_facts.py", {"score", "report"}),
    ("bench/plugin/method.py", EVERY - {"score"}),
    ("bench/weights/tensors.py", EVERY - {"score", "report"}),
    ("bench/fusion/harness.py", {"fuse", "fuse_net", "measure"}),
    ("bench/train/loop.py", {"train", "task"}),
    ("bench/store/run_folder.py", {"report"}),
    ("bench/analysis/bootstrap.py", {"report"}),
    ("bench/run/stages.py", set()),
    ("bench/cli/runs.py", set()),
    ("reports/pages/first.py", {"report"}),
    ("reports/templates/index.html", {"report"}),
    ("reports/static/style.css", {"report"}),
    ("methods/average.py", {"fuse"}),
    ("methods/_nets/seafusion.py", NETWORKS),
    ("methods/_training/seafusion.py", {"train"}),
    ("tasks/detection/boxes.py", {"task"}),
    ("tasks/segmentation/runner.py", set()),
    ("bench/metrics/one_more.py", {"score", "report"}),
    ("reports/static/one_more.js", {"report"}),
]


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """File -> the stages whose key changes when it is edited, or added, in a copy of the code."""
    root = tmp_path_factory.mktemp("copy")
    for name in ("bench", "methods", "tasks", "reports"):
        shutil.copytree(PROJECT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "datasets.yaml", root)
    files = json.dumps([file for file, _ in TABLE])
    done = subprocess.run([sys.executable, "-c", ASK, files], cwd=root, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(("file", "stages"), TABLE, ids=[file for file, _ in TABLE])
def test_an_edited_file_redoes_the_stages_of_its_room_and_no_other(
    changed: dict[str, list[str]], file: str, stages: set[str]
) -> None:
    assert set(changed[file]) == stages


@pytest.mark.parametrize("name", ["torch", "numpy", "opencv-python-headless", "scipy", "scikit-image", "PyWavelets"])
def test_another_version_of_a_library_fuses_anew(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    keys.stage_digest.cache_clear()
    known = keys.stage_digest("fuse")
    real = keys._version
    monkeypatch.setattr(keys, "_version", lambda asked: "99" if asked == name else real(asked))
    keys.stage_digest.cache_clear()
    assert keys.stage_digest("fuse") != known
    monkeypatch.undo()
    keys.stage_digest.cache_clear()
