"""What a method was trained on is never marked clean: scenes are compared by name and by content."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from bench.cli import app
from bench.data.catalogue import Datasets, open_dataset, seen_in_training
from bench.data.frames import frames_of, read_frames, write_frames
from bench.data.spec import load_datasets
from bench.errors import BenchError
from bench.run.config import RunConfig
from bench.run.planning import make_plan
from bench.store.run_folder import Store


def image(path: Path, seed: int, channels: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (12, 16) if channels == 1 else (12, 16, channels)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)).save(path)


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """The four-channel release, whose own lists are another partition of the frames that MSRS was made of."""
    spec = load_datasets()["mfnet"]
    folder = tmp_path / "data" / "ir_seg_dataset"
    names = [*spec.pairs["train"][:6], *spec.pairs["test"][:4]]
    for number, name in enumerate(names):
        image(folder / "images" / f"{name}.png", number, 4)
        label = folder / "labels" / f"{name}.png"
        label.parent.mkdir(exist_ok=True)
        Image.fromarray(np.zeros((12, 16), np.uint8)).save(label)
    (folder / "train.txt").write_text("\n".join([*names[:3], names[6]]))
    (folder / "val.txt").write_text(names[7])
    (folder / "test.txt").write_text("\n".join([*names[3:6], *names[8:]]))
    return tmp_path / "data"


def plan_of(data: Path, selection: str, tmp_path: Path, **more: Any) -> Any:
    config = RunConfig(methods=("visible",), datasets=(selection,), data_root=data, device="cpu", **more)
    return make_plan(config)


@pytest.mark.parametrize(
    ("selection", "trained_on", "count"),
    [
        ("mfnet:original_test", "mfnet", 6),
        ("mfnet:original_test", "mfnet:original_train", 4),
        ("mfnet:original_val", "mfnet:original_train", 4),
        ("mfnet", "mfnet", 6),
        ("mfnet:night", "mfnet", 6),
    ],
)
def test_each_part_is_trained_on_the_list_that_belongs_to_it(
    original: Path, selection: str, trained_on: str, count: int
) -> None:
    dataset = open_dataset(selection, original)
    if trained_on == "mfnet" and selection == "mfnet:original_test":
        assert len(seen_in_training(dataset, ("mfnet",)) or ()) == 3
        return
    training = dataset.listing("train")
    assert (dataset.training_selection, len(training.pairs)) == (trained_on, count)
    scored = {files.id for files in dataset.listing().pairs}
    assert not scored & {files.id for files in training.pairs}


SEEN = {
    "the authors' list, the original test": ("mfnet:original_test", ("mfnet",), {3, 4, 5}),
    "the original list, the authors' test": ("mfnet", ("mfnet:original_train",), {6}),
    "the original list, its own test": ("mfnet:original_test", ("mfnet:original_train",), set()),
    "the original list, its validation": ("mfnet:original_val", ("mfnet:original_train",), set()),
    "the original validation, the authors' test": ("mfnet", ("mfnet:original_val",), {7}),
    "the original test, the authors' test": ("mfnet", ("mfnet:original_test",), {8, 9}),
    "the authors' list, their test": ("mfnet", ("mfnet",), set()),
    "nobody says": ("mfnet", ("not stated",), None),
}


@pytest.mark.parametrize(("selection", "trained_on", "wanted"), SEEN.values(), ids=SEEN)
def test_a_leak_between_two_partitions_is_seen(
    original: Path, selection: str, trained_on: tuple[str, ...], wanted: set[int] | None
) -> None:
    spec = load_datasets()["mfnet"]
    names = [*spec.pairs["train"][:6], *spec.pairs["test"][:4]]
    dataset = open_dataset(selection, original)
    seen = seen_in_training(dataset, trained_on)
    here = {files.id for files in dataset.listing().pairs}
    assert (None if seen is None else seen & here) == (None if wanted is None else {names[at] for at in wanted})


def test_frame_numbers_tell_scenes_apart() -> None:
    """No two pairs of one list are of one frame, and the declared overlap is what the numbers say."""
    spec = load_datasets()["mfnet"]
    for names in spec.pairs.values():
        assert len({spec.frame_of(name) for name in names}) == len(names)
    assert spec.in_training("detection", spec.pairs["detection"]) == set(spec.subsets["detection_train"].pairs)
    assert spec.in_training("detection", spec.pairs["detection"], spec.pairs["test"]) == set(
        spec.subsets["detection_test"].pairs
    )
    assert not spec.in_training("test", spec.pairs["test"])


# ------------------------------------------------------------------ data sets of one's own


@pytest.fixture
def own(tmp_path: Path) -> tuple[Path, Path]:
    """A data set whose parts use equal names for other scenes, and its description."""
    for part, start in (("train", 0), ("test", 100)):
        for number in range(4):
            image(tmp_path / "data/Own" / part / "ir" / f"{number}.png", start + number)
            image(tmp_path / "data/Own" / part / "vi" / f"{number}.png", start + number + 50, 3)
            label = tmp_path / "data/Own" / part / "labels" / f"{number}.png"
            label.parent.mkdir(exist_ok=True)
            Image.fromarray(np.zeros((12, 16), np.uint8)).save(label)
    parts = {part: {"ir": f"{part}/ir", "vis": f"{part}/vi", "labels": f"{part}/labels"} for part in ("train", "test")}
    entry = dict.fromkeys(("title", "homepage", "licence", "citation", "instructions"), "x")
    entry |= {"layouts": [{"folder": "Own", "parts": parts}], "classes": ["a", "b"]}  # type: ignore[dict-item]
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({"datasets": {"own": entry}}))
    return tmp_path / "data", tmp_path / "own.yaml"


LEAKS = {
    "none": (lambda folder: None, set()),
    "a copy under the same name": (lambda folder: both(folder, "1", "1"), {"1"}),
    "a copy under another name": (lambda folder: both(folder, "0", "3"), {"3"}),
    "a link": (lambda folder: linked(folder, "2", "0"), {"0"}),
    "the visible image alone": (
        lambda folder: shutil.copy(folder / "train/vi/1.png", folder / "test/vi/2.png"), {"2"},
    ),
    "the infrared image alone": (
        lambda folder: shutil.copy(folder / "train/ir/1.png", folder / "test/ir/2.png"), {"2"},
    ),
}  # fmt: skip


def both(folder: Path, source: str, target: str) -> None:
    for side in ("ir", "vi"):
        shutil.copy(folder / "train" / side / f"{source}.png", folder / "test" / side / f"{target}.png")


def linked(folder: Path, source: str, target: str) -> None:
    for side in ("ir", "vi"):
        (folder / "test" / side / f"{target}.png").unlink()
        (folder / "test" / side / f"{target}.png").symlink_to(folder / "train" / side / f"{source}.png")


@pytest.mark.parametrize(("leak", "wanted"), LEAKS.values(), ids=LEAKS)
def test_content_tells_what_names_do_not(own: tuple[Path, Path], tmp_path: Path, leak: Any, wanted: set[str]) -> None:
    data, file = own
    leak(data / "Own")
    dataset = Datasets.of(data, file).open("own")
    assert seen_in_training(dataset, ("own",)) == wanted
    write_frames(tmp_path / "weights.safetensors", "own", dataset.listing("train").pairs)
    frames = read_frames(tmp_path / "weights.safetensors")
    assert seen_in_training(dataset, ("own",), frames=frames) == wanted
    assert seen_in_training(dataset, ("elsewhere",), frames=frames) == wanted  # the same files, called otherwise
    plan = plan_of(data, "own", tmp_path, datasets_file=file, tasks=("segmentation",))
    leaks = [problem.text for problem in plan.datasets[0].problems if "also in the training part" in problem.text]
    assert len(leaks) == bool(wanted)


def test_frames_that_are_damaged_are_named(tmp_path: Path) -> None:
    assert read_frames(tmp_path / "weights.safetensors") is None
    (tmp_path / "frames.json").write_text("{}")
    with pytest.raises(BenchError, match="not what a training wrote"):
        read_frames(tmp_path / "weights.safetensors")
    assert frames_of("x", []).names == ()


# ------------------------------------------------------------------ from the training to the report


def two_releases(folder: Path, alike: bool) -> list[str]:
    """Both releases of the same frames; the original training list holds three pairs of the authors' test list.

    With ``alike`` False the authors' files hold other pixels, as MSRS does, whose infrared is enhanced.
    """
    spec = load_datasets()["mfnet"]
    train, test = list(spec.pairs["train"][:6]), list(spec.pairs["test"][:6])
    rng = np.random.default_rng(0)
    for part, names in (("train", train), ("test", test)):
        for name in names:
            four = rng.integers(0, 256, (64, 72, 4), dtype=np.uint8)
            theirs = four if alike else four ^ 1
            for path, pixels in {
                f"ir_seg_dataset/images/{name}.png": four,
                f"ir_seg_dataset/labels/{name}.png": four[..., 0] % 9,
                f"MSRS/{part}/vi/{name}.png": theirs[..., :3],
                f"MSRS/{part}/ir/{name}.png": theirs[..., 3],
                f"MSRS/{part}/Segmentation_labels/{name}.png": theirs[..., 0] % 9,
            }.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(folder / path)
    (folder / "ir_seg_dataset/train.txt").write_text("\n".join([*train[:4], *test[:3]]))
    (folder / "ir_seg_dataset/val.txt").write_text("")
    (folder / "ir_seg_dataset/test.txt").write_text("\n".join([*train[4:], *test[3:]]))
    return [*train, *test]


END_TO_END = {
    "the original list, then the authors' test": ("mfnet:original_train", "mfnet", (6, 7, 8), True),
    "the same with other pixels": ("mfnet:original_train", "mfnet", (6, 7, 8), False),
    "the authors' list, then the original test": ("mfnet", "mfnet:original_test", (4, 5), True),
    "the original list, then the original test": ("mfnet:original_train", "mfnet:original_test", (), False),
    "the authors' list, then their test": ("mfnet", "mfnet", (), True),
}


@pytest.mark.parametrize(("learned", "scored", "wanted", "alike"), END_TO_END.values(), ids=END_TO_END)
def test_a_training_here_is_remembered_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, learned: str, scored: str, wanted: tuple[int, ...], alike: bool
) -> None:
    """``bench train``, then a default run with the installed weights: table, console, manifest say what was seen."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    names = two_releases(tmp_path / "data", alike)
    wide = {name: tmp_path / name for name in ("first", "second")}
    for name, kept in (("first", "ir_seg_dataset" if ":" in learned else "MSRS"),
                       ("second", "ir_seg_dataset" if ":" in scored else "MSRS")):  # fmt: skip
        wide[name].mkdir()
        (wide[name] / kept).symlink_to(tmp_path / "data" / kept)
    trained = CliRunner().invoke(app, [
        "train", "densefuse", "--dataset", learned, "--data-root", str(wide["first"]), "--preset", "smoke",
        "--device", "cpu", "--option", "steps=2", "--out", str(tmp_path / "training"),
    ])  # fmt: skip
    assert trained.exit_code == 0, trained.output
    ran = CliRunner().invoke(app, [
        "run", "--methods", "densefuse,average", "--datasets", scored, "--data-root", str(wide["second"]),
        "--tasks", "metrics", "--metrics", "EN", "--executor", "inline", "--device", "cpu",
        "--out", str(tmp_path / "run"),
    ])  # fmt: skip
    assert ran.exit_code == 0, ran.output
    manifest = Store(tmp_path / "run").read_manifest()
    pairs = [names[at] for at in wanted]
    assert manifest.methods["densefuse"].seen == ({"mfnet": tuple(pairs)} if pairs else {})
    assert manifest.methods["average"].seen == {}
    said = f"densefuse saw {len(pairs)} of these" in " ".join(ran.output.split())
    page = (tmp_path / "run/report/dataset-mfnet.html").read_text()
    assert said == bool(pairs)
    assert (f"(on {len(pairs)} of the pairs scored here)" in page) == bool(pairs)
    assert "trained on this set: DenseFuse" in page
