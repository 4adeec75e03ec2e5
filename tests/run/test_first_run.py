"""README's first command: SeAFusion trained in the run wins in segmentation, and not with swapped infrared images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.analysis.bootstrap import Interval
from bench.analysis.set_level import compare_task
from bench.data.demo import ensure_demo
from bench.data.demo.spec import Label
from bench.data.spec import recorded_spec
from bench.images import read_image
from bench.store.run_folder import Store

METHODS = "visible,infrared,average,seafusion"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]  # minutes of two cores, which a busy machine shares out


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    ensure_demo(root)
    return root


def first_run(bench_process: object, data: Path, out: Path, seed: int) -> Store:
    code, output = bench_process.run(  # type: ignore[attr-defined]
        "run", "--preset", "smoke", "--methods", METHODS, "--data-root", data, "--out", out, "--seed", str(seed),
        "--tasks", "metrics,segmentation", "--device", "cpu",
    )  # fmt: skip
    assert code == 0, output
    assert "demo · segmentation · mIoU" in output
    assert "better than average" in output
    return Store(out)


def lead(store: Store, method: str, over: str) -> Interval:
    """How far one method's mIoU lies above another's."""
    spec = recorded_spec(store.read_manifest().datasets["demo"].model_dump())
    comparison = compare_task(store, "segmentation", "demo", spec)[0].comparison
    at = comparison.names.index("mIoU single_scale")
    if (method, over) in comparison.differences:
        return comparison.differences[method, over][at]
    found = comparison.differences[over, method][at]
    return Interval(-found.value, -found.high, -found.low)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_seafusion_trained_in_the_run_beats_both_sources(
    seed: int, scenes: Path, tmp_path: Path, bench_process: object
) -> None:
    store = first_run(bench_process, scenes, tmp_path / "run", seed)
    for source in ("visible", "infrared"):
        assert lead(store, "seafusion", source).low > 0, source
    fused, infrared, visible = np.median(people_at_night(store, scenes), axis=0)
    assert visible < 60
    assert fused > (infrared + visible) / 2, "people look more like the warm picture than like the dark one"


def people_at_night(store: Store, scenes: Path) -> list[list[float]]:
    """Mean grey of the people in each night picture: fused, infrared, visible."""
    found = []
    for path in sorted((scenes / "demo/test/Segmentation_labels").glob("*N.png")):
        people = read_image(path) == Label.PERSON
        folders = (store.root / "fused/demo/seafusion", scenes / "demo/test/ir", scenes / "demo/test/vi")
        if people.sum() > 50:
            found.append([float(read_image(one / path.name, colour=True)[people].mean()) for one in folders])
    return found


def swapped(scenes: Path, root: Path) -> Path:
    """The same scenes, each with the infrared image of another one of its part and hour."""
    for part in ("train", "test", "detection"):
        for folder in ("vi", "ir", "Segmentation_labels", "labels"):
            for path in (scenes / "demo" / part / folder).glob("*"):
                copy = root / "demo" / part / folder / path.name
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(path.read_bytes())
        names = sorted(path.name for path in (scenes / "demo" / part / "ir").iterdir())
        for hour in (names[0::2], names[1::2]):
            for name, other in zip(hour, [*hour[1:], hour[0]], strict=True):
                (root / "demo" / part / "ir" / name).write_bytes((scenes / "demo" / part / "ir" / other).read_bytes())
    (root / "demo" / "demo.json").write_bytes((scenes / "demo" / "demo.json").read_bytes())
    return root


def test_with_the_infrared_image_of_another_scene_it_does_not_win(
    scenes: Path, tmp_path: Path, bench_process: object
) -> None:
    store = first_run(bench_process, swapped(scenes, tmp_path / "data"), tmp_path / "run", 1)
    assert lead(store, "seafusion", "visible").low <= 0


def test_a_swap_changes_every_infrared_image_and_nothing_else(scenes: Path, tmp_path: Path) -> None:
    other = swapped(scenes, tmp_path / "data")
    same: dict[str, Callable[..., bool]] = {"ir": lambda a, b: a != b, "vi": lambda a, b: a == b}
    for kind, holds in same.items():
        for path in (scenes / "demo" / "test" / kind).iterdir():
            assert holds(path.read_bytes(), (other / "demo" / "test" / kind / path.name).read_bytes())
