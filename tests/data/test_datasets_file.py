"""datasets.yaml: flat, typed, every wrong key fails with its path."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.data.catalogue import Datasets
from bench.data.spec import load_datasets, read_datasets
from bench.errors import BenchError

GOOD: dict[str, Any] = {
    "datasets": {
        "mine": {
            "title": "Mine",
            "homepage": "https://example.org",
            "licence": "CC0-1.0",
            "citation": "me",
            "instructions": "make it",
            "layouts": [{"folder": "Mine", "parts": {"test": {"ir": "ir", "vis": "vi"}}}],
        }
    }
}


def load(tmp_path: Path, content: str | bytes | dict[str, Any]) -> dict[str, Any]:
    path = tmp_path / "datasets.yaml"
    if isinstance(content, dict):
        content = yaml.safe_dump(content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_datasets(path)


def changed(keys: str, value: object) -> dict[str, Any]:
    """The good file with one key of the data set set to something else."""
    content = copy.deepcopy(GOOD)
    place = content["datasets"]["mine"]
    *path, last = [int(key) if key.isdigit() else key for key in keys.split(".")]
    for key in path:
        place = place.setdefault(key, {}) if isinstance(place, dict) else place[key]
    place[last] = value
    return content


def test_the_smallest_file_loads(tmp_path: Path) -> None:
    spec = load(tmp_path, GOOD)["mine"]
    assert spec.default_split == "test"
    assert spec.layouts[0].parts["test"].pattern == "*"


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        ("colour", 1, "datasets.mine.colour: Extra inputs are not permitted, got 1"),
        ("layouts.0.parts.test.ir", "ir/*.png", r"parts.test.ir: .*has no {pair}.* e.g. ir/{pair}.png"),
        ("layouts.0.parts.test.vis", "images/*_vis", r"parts.test.vis: .*has no {pair}.* e.g. images/{pair}_vis"),
        ("layouts.0.parts.test.labels", "l/{name}", r"parts.test.labels: .*has no {pair}.* e.g. l/{pair}"),
        ("layouts.0.parts.test.depth", "x", "datasets.mine.layouts.0.parts.test.depth: Extra inputs"),
        ("layouts.0.parts.Night Drive", {"ir": "a", "vis": "b"}, "datasets.mine.layouts.0.parts.Night Drive"),
        ("title", ["a"], "datasets.mine.title: Input should be a valid string"),
        ("layouts", [], "datasets.mine.layouts: Tuple should have at least 1 item"),
        ("layouts.0.folder", "../outside", "datasets.mine.layouts.0.folder: .*without '..'"),
        ("layouts.0.folder", "/etc", "datasets.mine.layouts.0.folder: .*wanted a relative path"),
        ("layouts.0.folder", "C:\\x", "datasets.mine.layouts.0.folder: .*wanted a relative path"),
        ("layouts.0.folder", "", "datasets.mine.layouts.0.folder: .*wanted a relative path"),
        ("layouts.0.parts.test.ir", "a/../../b", "datasets.mine.layouts.0.parts.test.ir: .*wanted a relative path"),
        ("layouts.0.parts.test.ir", "../../b", "datasets.mine.layouts.0.parts.test.ir: .*wanted a relative path"),
        ("box_aliases", {"dog": "cat"}, "datasets.mine: .*'cat' of box_ids or box_aliases is no class"),
        ("leaks", {"other": "x"}, "datasets.mine: .*leaks names 'other', which is no split or subset"),
        ("ir_range", "half", "datasets.mine.ir_range: .*wanted full"),
        ("layouts.0.lists.own", "../../etc/passwd", "datasets.mine.layouts.0.lists.own: .*wanted a relative path"),
        ("pairs.test", ["../x"], "datasets.mine.pairs.test.0: .*wanted a printable pair name"),
        ("pairs.test", [""], "datasets.mine.pairs.test.0: .*wanted a printable pair name"),
        ("pairs.test", [17], "datasets.mine.pairs.test.0: Input should be a valid string, got 17"),
        ("pairs.test", ["a", "b", "a"], "datasets.mine: .*pair 'a' is listed twice"),
        ("subsets.test", {"title": "x"}, "datasets.mine: .*subset 'test' has the name of a split"),
        ("subsets.Day", {"title": "x"}, "datasets.mine.subsets.Day"),
        ("palette", [[0, 0, 0]], "datasets.mine: .*1 palette colours for 0 classes"),
        ("palette", [[0, 0, 256]], "datasets.mine.palette.0.2: .*less than or equal to 255"),
        ("expected.test", 0, "datasets.mine.expected.test"),
        ("downloads", [{"url": "https://a", "sha256": "xyz", "unpack_to": "A"}], "datasets.mine.downloads.0.sha256"),
        ("downloads", [{"url": "ftp://a", "sha256": "0" * 64, "unpack_to": "A"}], "datasets.mine.downloads.0.url"),
        ("repository", {"url": "https://a", "commit": "master", "unpack_to": "A"}, "datasets.mine.repository.commit"),
        (
            "repository",
            {"url": "--upload-pack=x", "commit": "0" * 40, "unpack_to": "A"},
            "datasets.mine.repository.url",
        ),
    ],
)
def test_a_wrong_key_fails_with_its_path(tmp_path: Path, keys: str, value: object, message: str) -> None:
    with pytest.raises(BenchError, match=message) as caught:
        load(tmp_path, changed(keys, value))
    assert str(caught.value).startswith(str(tmp_path / "datasets.yaml"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "datasets: !!python/object/apply:os.system ['true']",
        "datasets: !!python/name:os.system",
        "datasets: !include other.yaml",
        "datasets: {a: [}",
        "datasets: {a: 'unclosed}",
        "\tdatasets: {}",
    ],
)
def test_what_is_not_plain_yaml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BenchError, match="not readable as plain YAML"):
        load(tmp_path, text)


@pytest.mark.parametrize("text", ["", "[]", "hello", "datasets: 3", "other: {}"])
def test_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BenchError, match=r"datasets\.yaml: (the file|datasets|other):"):
        load(tmp_path, text)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    content = copy.deepcopy(GOOD)
    del content["datasets"]["mine"]["layouts"]
    with pytest.raises(BenchError, match=r"datasets\.mine\.layouts: Field required"):
        load(tmp_path, content)


def test_folders_are_all_that_an_entry_needs(tmp_path: Path) -> None:
    content = {"datasets": {"mine": {"layouts": GOOD["datasets"]["mine"]["layouts"]}}}
    spec = load(tmp_path, content)["mine"]
    assert (spec.title, spec.homepage, spec.licence, spec.citation, spec.instructions) == ("mine", "", "", "", "")
    for side in ("ir", "vi"):
        (tmp_path / "Mine" / side).mkdir(parents=True)
    assert Datasets(tmp_path, {"mine": spec}).open("mine").listing().pairs == ()
    with pytest.raises(BenchError, match=r"no folder Mine with its images in .*; compare its folders with"):
        Datasets(tmp_path / "Mine", {"mine": spec}).open("mine")


def test_lists_may_lie_in_files(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/own.txt").write_text("b\r\na\r\n")
    assert load(tmp_path, changed("pairs.test", "lists/own.txt"))["mine"].pairs["test"] == ("b", "a")
    for place in ("lists/other.txt", "../own.txt", "/etc/passwd"):
        with pytest.raises(BenchError, match=r"datasets\.mine\.pairs\.test: .*(there is no|wanted a relative path)"):
            load(tmp_path, changed("pairs.test", place))


def test_an_upper_case_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"datasets\.Mine"):
        load(tmp_path, {"datasets": {"Mine": GOOD["datasets"]["mine"]}})


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="not readable as plain YAML"):
        load(tmp_path, b"datasets: \xff\xfe")


def test_an_absent_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="does not exist; give one with --datasets-file"):
        read_datasets(tmp_path / "none.yaml")


def test_the_projects_own_file_says_what_the_paper_says() -> None:
    specs = load_datasets()
    assert list(specs) == [
        "mfnet", "roadscene", "tno", "vifb", "m3fd", "fmb", "llvip", "flir_aligned", "dronevehicle", "demo",
        "demo_video", "m3svd",
    ]  # fmt: skip
    mfnet = specs["mfnet"]
    assert {split: len(names) for split, names in mfnet.pairs.items()} == {"train": 1083, "test": 361, "detection": 80}
    night = {split: sum(name.endswith("N") for name in names) for split, names in mfnet.pairs.items()}
    assert night == {"train": 547, "test": 182, "detection": 0}
    assert not set(mfnet.pairs["train"]) & set(mfnet.pairs["test"])
    assert {name: len(subset.pairs) for name, subset in mfnet.subsets.items() if subset.pairs} == {
        "detection_train": 48,
        "detection_test": 23,
        "detection_unlisted": 9,
    }
    assert len(specs["tno"].pairs["test"]) == 42
    assert len(specs["tno"].subsets["cddfuse25"].pairs) == 25
    assert len(specs["roadscene"].pairs["test"]) == 221
    assert len(specs["roadscene"].subsets["superfusion20"].pairs) == 20
    assert len(specs["vifb"].pairs["test"]) == 21
    assert mfnet.classes[7] == "color_cone"
    assert mfnet.palette[7] == (192, 128, 128)
    assert specs["demo"].classes == mfnet.classes
    assert specs["demo"].palette == mfnet.palette


def test_subsets_lie_within_their_split() -> None:
    for name, spec in load_datasets().items():
        training = {subset.trains_on for subset in spec.subsets.values()}  # lists of partitions of their own
        for key, subset in spec.subsets.items():
            if subset.pairs and subset.split in spec.pairs and key not in training:
                assert set(subset.pairs) <= set(spec.pairs[subset.split]), f"{name}:{key}"
