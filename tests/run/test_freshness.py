"""A result is made again when the code of its rooms, its data or its libraries changed, and for no other room."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.data.spec import DatasetSpec
from bench.metrics.catalogue import METRICS
from bench.metrics.packages import PackagedMetric
from bench.plugin.kinds import TASKS
from bench.plugin.task import Job, Task
from bench.run import keys
from bench.run.sources import MethodSource
from bench.run.task_list import TaskList
from bench.run.units import TaskUnit
from bench.types import Score

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
        "score": keys.stage_digest("score"),
        "train": keys.train_code("methods.seafusion", ("tasks.segmentation.segmenters.unet",)),
        "task": keys.task_code("tasks.detection.task"), "measure": keys.stage_digest("measure"),
        "ladder": keys.task_code("tasks.robustness.task"), "report": keys.stage_digest("report"),
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

EVERY = {"fuse", "fuse_net", "score", "train", "task", "measure", "ladder", "report"}
NETWORKS = {"fuse_net", "train"}
TABLE = [
    ("bench/images.py", EVERY),
    ("bench/types.py", EVERY),
    ("bench/data/pairs.py", EVERY),
    ("bench/data/listing.py", EVERY),
    ("bench/metrics/information.py", {"score", "report", "ladder"}),
    ("bench/metrics/convention_facts.py", {"score", "report", "ladder"}),
    ("bench/plugin/method.py", EVERY - {"score"}),
    ("bench/weights/tensors.py", EVERY - {"score", "report"}),
    ("bench/fusion/harness.py", {"fuse", "fuse_net", "measure"}),
    ("bench/train/loop.py", {"train", "task", "ladder"}),
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
    ("tasks/detection/boxes.py", {"task", "ladder"}),
    ("tasks/segmentation/runner.py", set()),
    ("tasks/segmentation/segmenters/unet.py", {"train"}),
    ("tasks/segmentation/segmenters/banet.py", set()),
    ("bench/metrics/one_more.py", {"score", "report", "ladder"}),
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


@pytest.mark.parametrize("name", ["torch", "numpy", "opencv-python-headless", "scipy", "scikit-image", "PyWavelets",
                                  "pillow", "opencv-contrib-python"])  # fmt: skip
def test_another_version_of_a_library_fuses_anew(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    keys.stage_digest.cache_clear()
    known = keys.stage_digest("fuse")
    real = keys._version
    monkeypatch.setattr(keys, "_version", lambda asked: "99" if asked == name else real(asked))
    keys.stage_digest.cache_clear()
    assert keys.stage_digest("fuse") != known
    monkeypatch.undo()
    keys.stage_digest.cache_clear()


# ------------------------------------------------------------------ what other packages bring

OWN = {
    "own_thing.py": "import own_helper\nfrom own_package.deep import value\nUSES = 'own_named.late:Thing'\n",
    "own_helper.py": "import own_second\n",
    "own_second.py": "",
    "own_package/__init__.py": "",
    "own_package/deep.py": "value = 1\n",
    "own_named/__init__.py": "",
    "own_named/late.py": "",
    "own_idle.py": "import own_thing\n",
}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stranger's folder of modules, on the path."""
    for name, text in OWN.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.startswith("own_")]:  # of another test's folder
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


def forget() -> None:
    """Reads the files anew."""
    for cached in (keys.module_digest, keys.packaged_code, keys._home):
        cached.cache_clear()


@pytest.mark.parametrize("file", OWN)
def test_a_strangers_modules_count_with_what_they_import(own: Path, file: str) -> None:
    forget()
    known = keys.module_digest("own_thing")
    (own / file).write_text(OWN[file] + "# edited\n")
    forget()
    assert (keys.module_digest("own_thing") != known) == (file != "own_idle.py")
    forget()


@pytest.mark.parametrize(("convention", "file", "anew"), [
    ("standard", "own_thing.py", True), ("standard", "own_helper.py", True), ("standard", "own_package/deep.py", True),
    ("standard", "own_idle.py", False), ("tang2023", "own_thing.py", False), ("cddfuse", "own_helper.py", False),
])  # fmt: skip
def test_an_edited_metric_of_another_package_is_computed_anew(
    own: Path, monkeypatch: pytest.MonkeyPatch, convention: str, file: str, anew: bool
) -> None:
    facts = METRICS["EN"]
    found = {"OWN": PackagedMetric(facts, lambda *_: 0.0, "own", "own_thing")}
    monkeypatch.setattr(keys, "packaged_metrics", lambda: found)
    forget()
    known = keys.score_key(convention, {"digest": "a"}, "b")
    (own / file).write_text(OWN[file] + "# edited\n")
    forget()
    assert (keys.score_key(convention, {"digest": "a"}, "b") != known) == anew
    forget()


def job_of(**options: str) -> Job:
    return Job("own", SPEC, "average", {}, Path(), "smoke", 0, "cpu", options=options)


SPEC = DatasetSpec.model_validate({
    "title": "t", "layouts": [{"folder": ".", "parts": {"test": {"ir": "a", "vis": "b"}}}], "classes": ["a", "b"],
    "box_classes": {0: "person"}, "box_ids": {3: "person"}, "box_aliases": {"man": "person"},
})  # fmt: skip


@pytest.mark.parametrize(
    ("task", "options", "module"),
    [
        ("segmentation", {}, "tasks.segmentation.segmenters.unet"),
        ("segmentation", {"segmenter": "banet"}, "tasks.segmentation.segmenters.banet"),
        ("detection", {}, "tasks.detection.detectors.yolov5"),
        ("detection", {"model": "yolov8n.pt"}, "tasks.detection.detectors.ultralytics"),
        ("efficiency", {}, ""),
    ],
)
def test_a_task_names_what_it_takes_from_a_registry(task: str, options: dict[str, str], module: str) -> None:
    assert tuple(TASKS.get(task)().built_on(job_of(**options))) == ((module,) if module else ())


def test_an_edited_segmenter_or_detector_of_another_package_is_asked_anew(own: Path) -> None:
    forget()
    known = (
        keys.task_code("tasks.segmentation.task", ("own_thing",)),
        keys.train_code("methods.seafusion", ["own_thing"]),
    )
    (own / "own_second.py").write_text("# edited\n")
    forget()
    now = keys.task_code("tasks.segmentation.task", ("own_thing",)), keys.train_code("methods.seafusion", ["own_thing"])
    assert all(before != after for before, after in zip(known, now, strict=True))
    forget()


class Silent(Task):
    """A task without settings."""

    name = "silent"
    numbers = ()

    def check(self) -> None: ...

    def run(self, job: Job) -> Iterable[Score]:
        return [Score(self.name, job.dataset, "test", job.method, "x", 0.0)]

    def fingerprint(self, job: Job) -> str:
        return job.preset


CHANGED = [
    {"classes": ("a", "c")}, {"classes": ("a", "b", "c")}, {"box_classes": {0: "person", 2: "car"}},
    {"box_ids": {4: "person"}}, {"box_aliases": {"woman": "person"}},
]  # fmt: skip


@pytest.mark.parametrize("changed", [*CHANGED, {"title": "another"}], ids=str)
def test_other_words_for_the_truth_are_other_scores(changed: dict[str, Any]) -> None:
    """What ids mean stands in the description alone: truth files do not change with it."""
    source = MethodSource(name="average", key="k")
    unit = TaskUnit(
        out=Path(), dataset="own", method="average", time_limit_s=None, gpus=0.0, key="", task="silent", spec=SPEC,
        parts=(), source=source, preset="smoke", seed=0, seen=None, weights_root=None, options=(),
    )  # fmt: skip
    other = replace(unit, spec=SPEC.model_copy(update=changed))
    same = TaskList._task_key(Silent(), unit, ()) == TaskList._task_key(Silent(), other, ())
    assert same == ("title" in changed)
