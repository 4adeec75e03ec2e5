"""Data sets of one's own: heard by every command, kept by the run, brought by packages; any part serves any task."""

from __future__ import annotations

import json
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import yaml
from command import bench
from made_data import make_parts
from packaging.requirements import Requirement
from PIL import Image

from bench.analysis.set_level import task_sections
from bench.data.catalogue import Datasets
from bench.data.spec import DatasetSpec, broken_packages, load_datasets, recorded_spec
from bench.errors import BenchError
from bench.files import PROJECT_ROOT
from bench.plugin.kinds import TASKS
from bench.run.config import RunConfig
from bench.run.planning import make_plan
from bench.run.worklist import Worklist
from bench.store.run_folder import Store

BUILT_IN = [
    "mfnet", "roadscene", "tno", "vifb", "m3fd", "fmb", "llvip", "flir_aligned", "dronevehicle", "demo", "demo_video",
    "m3svd",
]  # fmt: skip
TEXT = dict.fromkeys(("title", "homepage", "licence", "citation", "instructions"), "x")


def entry(parts: dict[str, str], **more: Any) -> dict[str, Any]:
    """A description; each part carries what its letters say: l labels, b boxes."""
    folders = {
        part: {"ir": f"{part}/ir", "vis": f"{part}/vi"}
        | ({"labels": f"{part}/labels"} if "l" in truth else {})
        | ({"boxes": f"{part}/boxes"} if "b" in truth else {})
        for part, truth in parts.items()
    }
    return {
        **TEXT, "layouts": [{"folder": "Own", "parts": folders}], "classes": ["road", "car"],
        "box_classes": {0: "person"}, **more,
    }  # fmt: skip


def write_file(path: Path, **datasets: Any) -> Path:
    path.write_text(yaml.safe_dump({"datasets": datasets}))
    return path


@pytest.fixture
def own(tmp_path: Path) -> tuple[Path, Path]:
    parts = {"train": "l", "test": "lb"}
    make_parts(tmp_path / "data" / "Own", parts)
    return tmp_path / "data", write_file(tmp_path / "own.yaml", own=entry(parts))


# ------------------------------------------------------------------ heard everywhere

COMMANDS = {
    "data list": (["data", "list"], True),
    "data check": (["data", "check", "own"], True),
    "data fetch": (["data", "fetch", "own"], True),
    "list datasets": (["list", "datasets"], False),
    "list datasets --long": (["list", "datasets", "--long"], False),
    "doctor": (["doctor"], True),
}


@pytest.mark.parametrize(("command", "rooted"), COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_file_of_data_sets_is_heard_by_every_command(
    own: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, command: list[str], rooted: bool, by: str
) -> None:
    data, file = own
    if by == "environment":
        monkeypatch.setenv("BENCH_DATASETS", str(file))
    result = bench(
        *command, *(["--data-root", data] if rooted else []), *(["--datasets-file", file] if by == "option" else [])
    )
    assert "own" in result.output
    assert result.exit_code == 0 or "doctor" in command, result.output


def test_a_file_adds_to_the_built_in_data_sets(own: tuple[Path, Path], tmp_path: Path) -> None:
    assert list(load_datasets(own[1])) == [*BUILT_IN, "own"]
    changed = write_file(tmp_path / "tno.yaml", tno={**entry({"test": ""}), "title": "my own copy"})
    assert load_datasets(changed)["tno"].title == "my own copy"
    with pytest.raises(BenchError, match="this name is taken"):
        load_datasets(write_file(tmp_path / "taken.yaml", folder=entry({"test": ""})))


def test_a_foreign_file_in_the_current_folder_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(tmp_path / "datasets.yaml", strange=entry({"test": ""}))
    monkeypatch.chdir(tmp_path)
    assert list(load_datasets()) == BUILT_IN


def test_a_run_keeps_the_description_for_its_statistics(own: tuple[Path, Path], tmp_path: Path) -> None:
    data, file = own
    ran = bench("run", "--datasets", "own", "--datasets-file", file, "--data-root", data, "--methods",
                "visible,average", "--tasks", "metrics", "--metrics", "EN", "--out", tmp_path / "run",
                "--executor", "inline")  # fmt: skip
    assert ran.exit_code == 0, ran.output
    file.unlink()
    facts = Store(tmp_path / "run").read_manifest()
    assert facts.config.datasets_file == str(file)
    spec = recorded_spec(facts.datasets["own"].model_dump())
    assert (spec.classes, spec.box_classes, spec.title) == (("road", "car"), {0: "person"}, "x")
    assert list(task_sections(Store(tmp_path / "run"))) == []


@pytest.mark.parametrize("metrics", ["EN", "VIF", "SD"])
def test_a_run_that_gives_no_statistics_says_why(own: tuple[Path, Path], tmp_path: Path, metrics: str) -> None:
    data, file = own
    bench("run", "--datasets", "own", "--datasets-file", file, "--data-root", data, "--methods", "visible",
          "--tasks", "efficiency", "--metrics", metrics, "--out", tmp_path / "run", "--device", "cpu",
          "--executor", "inline", "--option", "efficiency.seconds=0.1")  # fmt: skip
    said = bench("stats", tmp_path / "run")
    assert "nothing to say: " in said.output, said.output


def test_bare_folders_are_a_data_set(own: tuple[Path, Path], tmp_path: Path) -> None:
    ir, vis = own[0] / "Own/test/ir", own[0] / "Own/test/vi"
    common = [
        "--methods",
        "visible",
        "--tasks",
        "metrics",
        "--metrics",
        "EN",
        "--device",
        "cpu",
        "--executor",
        "inline",
    ]
    ran = bench("run", "--ir", ir, "--vis", vis, "--out", tmp_path / "run", *common)
    assert ran.exit_code == 0, ran.output
    assert sorted(path.name for path in (tmp_path / "run/fused/folder/visible").iterdir()) == ["0.png", "1.png"]
    facts = json.loads((tmp_path / "run/manifest.json").read_text())
    assert facts["config"]["ir"] == str(ir)
    again = bench("run", "--ir", own[0] / "Own/train/ir", "--vis", vis, "--out", tmp_path / "run", *common)
    assert "was made with --ir" in str(again.exception)
    assert isinstance(bench("run", "--ir", ir, "--out", tmp_path / "x", *common).exception, BenchError)


# ------------------------------------------------------------------ doctor

DOCTOR = {
    "whole": ({"train": "", "test": ""}, {}, "ok"),
    "an empty part": ({"train": "", "test": ""}, {"empty": "train"}, "incomplete"),
    "part of a list": ({"test": ""}, {"pairs": {"test": ["0", "1", "2"]}}, "incomplete"),
    "fewer than published": ({"test": ""}, {"expected": {"test": 5}}, "incomplete"),
    "twins": ({"test": ""}, {"twin": "test"}, "faulty"),
    "one side of a part": ({"train": "", "test": ""}, {"half": "train"}, "incomplete"),
}


@pytest.mark.parametrize(("parts", "more", "state"), DOCTOR.values(), ids=DOCTOR)
def test_doctor_says_ok_of_whole_data_alone(
    tmp_path: Path, parts: dict[str, str], more: dict[str, Any], state: str
) -> None:
    from bench.cli.doctor import examine

    make_parts(tmp_path / "data" / "Own", parts)
    folder = tmp_path / "data" / "Own"
    for path in [*(folder / more.pop("empty", "-")).rglob("*.png"), *(folder / more.pop("half", "-") / "ir").glob("*")]:
        path.unlink()
    if twin := more.pop("twin", ""):
        Image.new("L", (32, 24)).save(folder / twin / "ir" / "0.bmp")
    file = write_file(tmp_path / "own.yaml", own=entry(parts, **more))
    row = next(row for row in examine(tmp_path / "data", None, file)[0] if row["what"] == "data own")
    assert row["state"] == state
    assert bool(row["mend"]) == (state != "ok")


def test_doctor_speaks_of_every_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.cli import doctor

    try:
        import tomllib
    except ModuleNotFoundError:
        import tomli as tomllib
    if not (PROJECT_ROOT / "pyproject.toml").is_file():
        pytest.skip("only in a checkout: an installed package has no pyproject.toml")
    known = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = {name: [Requirement(text).name for text in texts] for name, texts in known.items()}
    found = {name: [one.name for one in each] for name, each in doctor.extras().items()}
    assert {name: found[name] for name in wanted.keys() - {"test", "all"}} == {
        name: names for name, names in wanted.items() if name not in ("test", "all")
    }
    monkeypatch.setattr(doctor, "version", lambda name: "0.1" if name == "numba" else "99")
    rows = {name: doctor._extra(name, each) for name, each in doctor.extras().items()}
    assert rows["fast"]["state"] == "absent"
    assert "numba>=0.59 (here 0.1)" in rows["fast"]["detail"]
    assert rows["scale"]["state"] == "ok"
    assert "mmsegmentation==1.2.2 (here 99)" in rows["segmentation"]["detail"]


def test_doctor_advises_nothing_that_does_not_work(tmp_path: Path) -> None:
    from bench.cli.doctor import examine
    from bench.plugin.kinds import METHODS
    from bench.plugin.method import Trainable

    for row in examine(tmp_path, None)[0]:
        kind, _, name = row["what"].partition(" ")
        if kind == "weights" and row["mend"]:
            assert ("bench train" in row["mend"]) == isinstance(METHODS.get(name), Trainable)
            urls = any(file.url for file in METHODS.get(name).info.weights)
            assert ("bench weights fetch" in row["mend"]) == urls


@pytest.mark.parametrize("root", [str, Path, lambda path: f"{path}/"])
def test_a_store_is_opened_by_text_too(own: tuple[Path, Path], tmp_path: Path, root: Any) -> None:
    assert Store(root(tmp_path)).manifest_path == tmp_path / "manifest.json"
    with pytest.raises(BenchError, match=r"no scores\.parquet"):
        Store(root(tmp_path)).read_scores()


def test_what_has_a_public_repository_is_fetched() -> None:
    spec = load_datasets()["vifb"]
    assert spec.repository is not None
    assert spec.repository.commit == "22b2ea9d91499cc5962d9bdcae9c290270f0fade"
    assert spec.repository.unpack_to == "VIFB"


# ------------------------------------------------------------------ packages


class Point:
    """An entry point that gives what it is told to."""

    def __init__(self, name: str, found: Any) -> None:
        self.name, self.found = name, found

    def load(self) -> Any:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def test_packages_bring_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(tmp_path / "datasets.yaml", beside=entry({"night": "l"}))
    (tmp_path / "brought.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    points = [
        EntryPoint("beside", "brought", "ivfbench.datasets"),
        Point("one", DatasetSpec.model_validate(entry({"test": ""}))),
        Point("several", {"a": entry({"test": ""}), "b": entry({"drive": "b"})}),
        Point("broken", ImportError("no module of this name")),
        Point("wrong", {"c": {"title": "half"}}),
    ]
    monkeypatch.setattr("bench.data.spec.entry_points", lambda group: points if group == "ivfbench.datasets" else [])
    try:
        found = list(load_datasets())
        assert found[: len(BUILT_IN)] == BUILT_IN
        assert set(found[len(BUILT_IN) :]) == {"beside", "a", "b", "one"}
        assert set(broken_packages()) == {"broken", "wrong"}
        assert "bench: " not in bench("list", "datasets").output
    finally:
        sys.modules.pop("brought", None)


# ------------------------------------------------------------------ any part serves any task

SERVES = {
    "boxes of the test part": ({"train": "", "test": "b"}, "own", "detection", {"detection": "test"}),
    "boxes of a part of its own": ({"test": "", "detection": "b"}, "own", "detection", {"detection": "detection"}),
    "boxes under another name": ({"test": "", "drive": "b"}, "own", "detection", {"detection": "drive"}),
    "boxes of the selected part": ({"test": "b", "night": "b"}, "own:night", "detection", {"detection": "night"}),
    "labels of a night part": ({"train": "l", "test": "", "night": "l"}, "own", "segmentation",
                               {"train": "train", "test": "night"}),
    "labels of the test part": ({"train": "l", "test": "l"}, "own", "segmentation", {"train": "train", "test": "test"}),
    "labels of the selected part": ({"train": "l", "test": "l", "fog": "l"}, "own:fog", "segmentation",
                                    {"train": "train", "test": "fog"}),
}  # fmt: skip


@pytest.mark.parametrize(("parts", "selection", "task", "wanted"), SERVES.values(), ids=SERVES)
def test_any_part_serves_any_task(
    tmp_path: Path, parts: dict[str, str], selection: str, task: str, wanted: dict[str, str]
) -> None:
    make_parts(tmp_path / "data" / "Own", parts)
    file = write_file(tmp_path / "own.yaml", own=entry(parts))
    config = RunConfig(methods=("visible",), datasets=(selection,), tasks=("metrics", task), device="cpu",
                       data_root=tmp_path / "data", datasets_file=file)  # fmt: skip
    plan = make_plan(config)
    work = Worklist(plan, Store(tmp_path / "run"))
    assert work.tasks.carries_truth(task, plan.datasets[0])
    found = work.tasks.parts_of(task, plan.datasets[0])
    assert {role: {files.split for files in pairs} for role, pairs in found.items()} == {
        role: {part} for role, part in wanted.items()
    }
    assert set(TASKS.get(task)().splits) == set(wanted)


def test_truth_on_disk_goes_before_truth_that_is_only_described(tmp_path: Path) -> None:
    """The boxes of ``mfnet``'s test part come from another repository than those of its 80 pairs."""
    parts = {"test": "b", "drive": "b"}
    make_parts(tmp_path / "data" / "Own", parts)
    file = write_file(tmp_path / "own.yaml", own=entry(parts))
    assert Datasets.of(tmp_path / "data", file).open("own").part_for("detection", "boxes") == "test"
    (tmp_path / "data/Own/test/boxes").rename(tmp_path / "elsewhere")
    assert Datasets.of(tmp_path / "data", file).open("own").part_for("detection", "boxes") == "drive"


UNMET = {
    "no boxes": ({"test": ""}, {}, "detection", "own has no boxes on disk for detection"),
    "no classes of boxes": ({"test": "b"}, {"box_classes": {}}, "detection", "own has no box_classes of COCO"),
    "no labels to test on": ({"train": "l", "test": ""}, {}, "segmentation", "own has no labels on disk for test"),
    "no labels to train on": ({"train": "", "test": "l"}, {}, "segmentation", "own has no labels on disk for train"),
    "no classes of labels": ({"train": "l", "test": "l"}, {"classes": []}, "segmentation", "own has no segmentation"),
}


@pytest.mark.parametrize(("parts", "more", "task", "said"), UNMET.values(), ids=UNMET)
def test_what_cannot_be_met_fails_before_any_work(
    tmp_path: Path, parts: dict[str, str], more: dict[str, Any], task: str, said: str
) -> None:
    make_parts(tmp_path / "data" / "Own", parts)
    file = write_file(tmp_path / "own.yaml", own=entry(parts, **more))
    chosen = ["--datasets", "own", "--datasets-file", file, "--data-root", tmp_path / "data", "--methods", "average"]
    result = bench("run", *chosen, "--tasks", f"metrics,{task}", "--out", tmp_path / "run", "--executor", "inline")
    assert isinstance(result.exception, BenchError)
    assert f"--tasks {task}: {said}" in str(result.exception)
    assert not (tmp_path / "run/fused").exists()


def test_a_set_without_truth_is_passed_over_with_a_note(tmp_path: Path) -> None:
    make_parts(tmp_path / "data" / "Own", {"test": "b"})
    other = entry({"test": ""})
    file = write_file(tmp_path / "own.yaml", own=entry({"test": "b"}), bare=other)
    config = RunConfig(methods=("average",), datasets=("own", "bare"), tasks=("metrics", "detection"), device="cpu",
                       data_root=tmp_path / "data", datasets_file=file)  # fmt: skip
    notes = make_plan(config).notes
    assert "detection passes bare over: it has no boxes on disk for detection" in notes


def test_a_part_may_have_any_name(tmp_path: Path) -> None:
    make_parts(tmp_path / "data" / "Own", {"night_2": ""})
    file = write_file(tmp_path / "own.yaml", own=entry({"night_2": ""}, default_split="night_2"))
    assert len(Datasets.of(tmp_path / "data", file).open("own").listing().pairs) == 2
