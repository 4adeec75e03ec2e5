"""Near-duplicates of training pairs are found by what they show; what is not on this disk is said to be unchecked."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from bench.data.catalogue import Datasets
from bench.data.home import cache_folder
from bench.data.names import key_of
from bench.data.near import CACHE, MOST_BITS_APART, TrainingList, alike, hashes, remarks, training_lists
from bench.data.spec import TRAIN, DatasetSpec, load_datasets
from bench.run.config import RunConfig
from bench.run.planning import make_plan


def scene(seed: int, size: tuple[int, int] = (96, 128)) -> Image.Image:
    """A smooth picture with edges, another one for each seed."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (7, 9, 3), dtype=np.uint8))
    return small.resize(size[::-1], Image.Resampling.BICUBIC)


def jpeg(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=50)
    return Image.open(buffer)


CHANGES: dict[str, tuple[Callable[[Image.Image], Image.Image], bool]] = {
    "a copy": (lambda image: image, True),
    "a JPEG": (jpeg, True),
    "half the size": (lambda image: image.resize((64, 48)), True),
    "more contrast": (lambda image: ImageEnhance.Contrast(image).enhance(1.3), True),
    "grey": (lambda image: image.convert("L"), True),
    "cut by two pixels": (lambda image: image.crop((2, 2, 126, 94)), True),
    "mirrored": (lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), False),
    "another scene": (lambda image: scene(99), False),
}


@pytest.mark.parametrize(("change", "same"), CHANGES.values(), ids=CHANGES)
def test_a_view_is_known_again_under_any_name(tmp_path: Path, change: Callable[..., Image.Image], same: bool) -> None:
    training = {}
    for number in range(12):
        training[f"t{number}"] = tmp_path / f"t{number}.png"
        scene(number).save(training[f"t{number}"])
    change(scene(5)).save(tmp_path / "other.png")
    found = alike({"other": tmp_path / "other.png"}, 0, TrainingList("own", training))
    assert [(one.pair, one.training) for one in found] == ([("other", "t5")] if same else [])


def test_a_border_is_no_part_of_the_view(tmp_path: Path) -> None:
    for seed in (1, 2):
        framed = np.pad(np.asarray(scene(seed)), ((100, 100), (100, 100), (0, 0)), constant_values=255)
        Image.fromarray(framed).save(tmp_path / f"framed{seed}.png")
    scene(1).save(tmp_path / "plain.png")
    training = TrainingList("own", {str(seed): tmp_path / f"framed{seed}.png" for seed in (1, 2)}, border=100)
    assert [one.training for one in alike({"a": tmp_path / "plain.png"}, 0, training)] == ["1"]


def test_hashes_are_kept_and_a_changed_file_has_another(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    scene(1).save(path)
    first = hashes({"a": path})["a"]
    kept = json.loads((cache_folder() / CACHE).read_text())
    assert any(str(path.resolve()) in key for key in kept)
    scene(2).save(path)
    assert (hashes({"a": path})["a"] != first).sum() > MOST_BITS_APART
    (cache_folder() / CACHE).write_text("no JSON")
    assert len(hashes({"a": path})["a"]) == 256


def test_what_cannot_be_read_or_shows_nothing_has_no_hash(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"x")
    (tmp_path / "empty.png").write_bytes(b"")
    Image.new("L", (90, 90), 7).save(tmp_path / "flat.png")
    files = {name: tmp_path / f"{name}.png" for name in ("broken", "empty", "flat", "absent")}
    assert hashes(files) == {}
    assert alike(files, 0, TrainingList("own", files)) == []


def own_data(root: Path) -> DatasetSpec:
    for part, seeds in (("train", range(6)), ("test", (3, 20, 21))):
        for seed in seeds:
            for side in ("ir", "vi"):
                path = root / "Own" / part / side / f"{part}{seed}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                image = scene(seed + (500 if side == "ir" else 0) + (1000 if (side, part) == ("ir", "test") else 0))
                (jpeg(image) if part == "test" else image).convert("RGB").save(path)
    parts = {part: {"ir": f"{part}/ir", "vis": f"{part}/vi"} for part in ("train", "test")}
    return DatasetSpec.model_validate({"layouts": [{"folder": "Own", "parts": parts}]})


def test_a_run_says_what_looks_like_a_training_pair_and_what_was_not_checked(tmp_path: Path) -> None:
    """The image was encoded anew and renamed: neither names nor file contents tell."""
    spec = own_data(tmp_path / "data")
    for part, names in (("train", ("00001D",)), ("test", ("00004N",))):
        for side, seed in (("ir", 70), ("vi", 20 if part == "train" else 80)):
            path = tmp_path / "data/MSRS" / part / side / f"{names[0]}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            scene(seed).save(path)
    (tmp_path / "own.yaml").write_text(
        json.dumps({"datasets": {"own": {"layouts": [layout.model_dump() for layout in spec.layouts]}}})
    )
    config = RunConfig(methods=("visible",), datasets=("own",), tasks=("metrics",), device="cpu",
                       data_root=tmp_path / "data", datasets_file=tmp_path / "own.yaml")  # fmt: skip
    texts = [problem.text for problem in make_plan(config).datasets[0].problems]
    assert "1 of its 3 pairs show the view of a training pair of own: test3 as train3" in texts
    assert "1 of its 3 pairs show the view of a training pair of mfnet: test20 as 00001D" in texts
    assert any("compared with mfnet (1), own (6) by a perceptual hash" in text for text in texts)
    unchecked = next(text for text in texts if text.startswith("not checked"))
    for name in ("fmb", "llvip", "flir_aligned", "m3fd:zxsplit_train", "dronevehicle", "mfnet:original_train"):
        assert name in unchecked
    assert "demo" not in unchecked


def test_every_training_list_of_every_description_is_looked_for(tmp_path: Path) -> None:
    names = {training.name for training in training_lists(Datasets(tmp_path, load_datasets()))}
    assert names == {
        "mfnet", "mfnet:original_train", "m3fd", "m3fd:zxsplit_train", "m3fd:bdl_train", "fmb", "llvip",
        "flir_aligned", "dronevehicle", "m3svd",
    }  # fmt: skip
    assert list(remarks({}, 0, [])) == []


# ------------------------------------------------------------------ the real lists and images


def test_no_test_part_that_shares_a_frame_with_a_training_list_is_unmarked() -> None:
    """By the published names: every list against every training list of its data set, in words or by the subsets."""
    for name, spec in load_datasets().items():
        training = {key: subset.pairs for key, subset in spec.subsets.items() if subset.split == TRAIN and subset.pairs}
        training["train"] = spec.pairs.get(TRAIN, ())
        tested = {part: pairs for part, pairs in spec.pairs.items() if part != TRAIN}
        tested |= {key: subset.pairs for key, subset in spec.subsets.items() if subset.split != TRAIN and subset.pairs}
        for part, pairs in tested.items():
            split = spec.subsets[part].split if part in spec.subsets else part
            own = spec.subsets[part].trains_on if part in spec.subsets else ""
            for key, listed in training.items():
                frames = {spec.frame_of(pair) for pair in listed}
                shared = {pair for pair in pairs if spec.frame_of(pair) in frames}
                assert spec.in_training(split, pairs, listed) == shared, f"{name}:{part} against {key}"
                if shared and key == (own or "train"):
                    declared = part in spec.leaks or split in spec.leaks
                    assert declared, f"{name}:{part} shares {len(shared)} frames with {key} and nobody says so"


def test_the_threshold_parts_views_from_views_on_real_images(shared: Path) -> None:
    """61,425 pairs of images: those known to show one view, and no other, are at most 76 of 256 bits apart."""
    folders = ("MSRS/test/vi", "MSRS/detection/vi", "TNO/vi", "RoadScene/crop_LR_visible", "VIFB/vi")
    files = {
        f"{folder}/{path.stem}": path
        for folder in folders
        for path in sorted((shared / "data" / folder).iterdir())
        if path.suffix in (".png", ".jpg")
    }
    found = hashes(files)
    assert len(found) == len(files) == 351
    table = np.stack(list(found.values()))
    names = list(found)
    alike_here = set()
    for at in range(len(names)):
        near = np.flatnonzero((table[at + 1 :] != table[at]).sum(axis=1) <= MOST_BITS_APART) + at + 1
        alike_here |= {(names[at].rpartition("/")[2], names[other].rpartition("/")[2]) for other in near}
    frame = load_datasets()["mfnet"].frame_of
    same_frame = {pair for pair in alike_here if frame(pair[0]) == frame(pair[1]) and key_of(pair[0])[0].isdigit()}
    assert len(same_frame) == 16
    assert alike_here - same_frame == {
        ("16", "18"), ("23", "33"), ("FLIR_06099", "FLIR_06128"), ("FLIR_07119", "FLIR_07125"),
        ("FLIR_09465", "FLIR_video_02829"),
    }  # fmt: skip
