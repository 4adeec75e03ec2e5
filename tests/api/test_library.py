"""The public surface of ``import bench``: runs, images in any form, metrics in a training loop."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from make_run import RunPlan, make_run
from PIL import Image as PillowImage

import bench
from bench.errors import BenchError
from bench.files import PROJECT_ROOT
from bench.metrics import evaluate as evaluate_images
from bench.types import Image

Images = tuple[Image, Image, Image]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> bench.Run:
    plan = RunPlan(methods=3, pairs={"tno": 8, "mfnet": 5}, faults=False)
    return bench.load(make_run(tmp_path_factory.mktemp("library") / "run", plan))


@pytest.fixture(scope="module")
def images(scene: Callable[[int, int, int], Images]) -> Images:
    return scene(60, 80, 3)


def test_the_surface_is_named_and_nothing_heavy_comes_with_it() -> None:
    assert dir(bench) == ["FusionMetrics", "Run", "__version__", "evaluate", "fuse", "load"]
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        bench.nonsense  # noqa: B018
    line = "import sys, bench; print(sorted({'torch', 'numpy', 'pandas', 'matplotlib'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT)
    assert shown.stdout.strip() == "[]"


# ------------------------------------------------------------------ a run


def test_a_run_tells_what_it_holds(run: bench.Run) -> None:
    assert run.datasets == ["tno", "mfnet"]
    assert {"visible", "infrared"} < set(run.methods)
    assert run.conventions == ["standard", "seafusion2022"]
    assert len(run.table()) == len(run.scores)
    rows = run.table(task="metrics", dataset="mfnet", metric="EN")
    assert set(rows["dataset"]) == {"mfnet"}
    assert set(rows["metric"]) == {"EN"}


def test_means_are_those_of_the_table(run: bench.Run) -> None:
    means = run.means("mfnet", "seafusion2022")
    rows = run.table("metrics", "mfnet", "seafusion2022", metric="VIF")
    wanted = rows.groupby("method")["value"].mean()
    for method in run.methods:
        assert means.loc[method, "VIF"] == pytest.approx(wanted[method], rel=1e-12)
    first = run.means()
    assert first.equals(run.means("tno", "standard"))
    assert "mIoU" in run.means("mfnet", task="segmentation").columns


def test_two_methods_are_compared_either_way(run: bench.Run) -> None:
    first, second = [label for label in run.methods if label not in ("visible", "infrared")][:2]
    table, turned = run.compare(first, second, "tno"), run.compare(second, first, "tno")
    assert list(table.columns) == ["pairs", first, second, "difference", "low", "high", "p", "better"]
    assert (table["pairs"] == 8).all()
    np.testing.assert_allclose(table["difference"], table[first] - table[second], atol=1e-9)
    np.testing.assert_allclose(table["difference"], -turned["difference"], atol=1e-12)
    np.testing.assert_allclose(table["p"], turned["p"], rtol=1e-9)
    assert (table["low"] <= table["difference"]).all()
    assert (table["difference"] <= table["high"]).all()
    assert list(run.compare(first, "visible", metrics=["SD"]).index) == ["SD"]


def test_curves_and_images_are_figures_that_a_notebook_shows(run: bench.Run) -> None:
    curves = run.curves(metrics=["EN", "VIF"])
    assert list(curves.values) == ["EN", "VIF"]
    assert "visible" not in curves.values["EN"]
    figure = curves.plot()
    assert [axes.get_ylabel() for axes in figure.axes] == ["EN", "VIF"]
    assert figure._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]
    pair = run.manifest.datasets["tno"].main.pairs[0]
    shown = run.show(pair, "tno")
    assert [axes.get_title() for axes in shown.axes][:2] == ["infrared", "visible"]
    assert len(shown.axes) == len(run.methods)
    assert len(run.show(pair, "tno", methods=run.methods[2:3]).axes) == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda run: run.means("tnoo"), "dataset 'tnoo': no such rows in"),
        (lambda run: run.means(convention="vifb"), "there are seafusion2022, standard"),
        (lambda run: run.compare("visible", "nobody"), "method 'nobody' is not in"),
        (lambda run: run.compare("visible", "infrared", metrics=["VIFF"]), "did you mean VIF"),
        (lambda run: run.curves(metrics=["nothing"]), "metric 'nothing' is not in"),
        (lambda run: run.show("no pair"), "pair 'no pair' is not in"),
        (lambda run: bench.load(run.folder / "nowhere"), "not a finished run"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said(run: bench.Run, call: Callable[[bench.Run], object], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        call(run)


# ------------------------------------------------------------------ images in any form


def forms(image: Image, folder: Path, name: str) -> list[object]:
    path = folder / f"{name}.png"
    PillowImage.fromarray(image).save(path)
    tensor = torch.from_numpy(image.copy())
    return [
        image, str(path), path, PillowImage.fromarray(image), image[..., None], np.stack([image] * 3, -1),
        tensor, tensor[None], tensor[None].expand(3, -1, -1),
    ]  # fmt: skip


def test_every_form_of_an_image_gives_the_same_numbers(images: Images, tmp_path: Path) -> None:
    wanted = evaluate_images(*images, metrics=["EN", "MI", "SD"])
    columns = [forms(image, tmp_path, name) for image, name in zip(images, ("ir", "vis", "fused"), strict=True)]
    for form in zip(*columns, strict=True):
        assert bench.evaluate(*form, metrics=["EN", "MI", "SD"]) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("white", [1.0, 255.0])
@pytest.mark.parametrize("kind", [np.float32, np.float64, torch.float32, torch.float64, torch.bfloat16])
def test_floats_say_their_range_and_are_levels_again(images: Images, white: float, kind: type) -> None:
    floats = [
        image.astype(np.float64) * (white / 255) if isinstance(kind, type) else image.astype(np.float32) * (white / 255)
        for image in images
    ]
    given = [f.astype(kind) if isinstance(kind, type) else torch.from_numpy(f).to(kind) for f in floats]
    with pytest.raises(BenchError, match=r"ir has float values; say with data_range"):
        bench.evaluate(*given)
    if kind is not torch.bfloat16:  # which has but 8 bits of its own
        found = bench.evaluate(*given, data_range=white)
        assert found == pytest.approx(evaluate_images(*images), rel=1e-12)


def test_batches_are_rows(images: Images) -> None:
    single = bench.evaluate(*images, metrics=["EN", "MSE"])
    assert isinstance(single, dict)
    batch = [torch.from_numpy(np.stack([image, image[::-1]])[:, None]) for image in images]
    table = bench.evaluate(*batch, metrics=["EN", "MSE"])
    assert table.shape == (2, 2)
    assert table.loc[0].to_dict() == pytest.approx(single)
    arrays = [np.stack([np.stack([image] * 3, -1)] * 2) for image in images]
    assert bench.evaluate(*arrays, metrics=["EN", "MSE"]).loc[1].to_dict() == pytest.approx(single)
    both = bench.evaluate(*images, convention=["standard", "seafusion2022"], metrics=["EN", "SD"])
    assert list(both.columns) == [(c, m) for c in ("standard", "seafusion2022") for m in ("EN", "SD")]


def test_folders_are_matched_by_name(images: Images, tmp_path: Path) -> None:
    for folder, image, ending in zip(("ir", "vis", "fused"), images, ("png", "bmp", "tif"), strict=True):
        (tmp_path / folder).mkdir()
        for name in ("a", "b"):
            PillowImage.fromarray(image).save(tmp_path / folder / f"{name}.{ending}")
    table = bench.evaluate(tmp_path / "ir", str(tmp_path / "vis"), tmp_path / "fused", metrics=["EN", "MI"])
    assert list(table.index) == ["a", "b"]
    assert table.loc["b"].to_dict() == pytest.approx(bench.evaluate(*images, metrics=["EN", "MI"]))
    (tmp_path / "fused" / "b.tif").unlink()
    with pytest.warns(UserWarning, match="b"):
        assert list(bench.evaluate(tmp_path / "ir", tmp_path / "vis", tmp_path / "fused").index) == ["a"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda i: i.astype(np.int32), "ir has values of type int32, wanted uint8"),
        (lambda i: i[None, None], "ir, vis and fused are 1 images, one image, one image"),
        (lambda i: [], "ir is an empty batch"),
        (lambda i: [i, i], "ir, vis and fused are 2 images, one image, one image"),
        (lambda i: i[0], r"ir has shape \(80,\), wanted \(H, W\) or \(H, W, 3\)"),
        (lambda i: torch.zeros(60, 80, 3, dtype=torch.uint8), r"wanted \(H, W\), \(1, H, W\) or \(3, H, W\)"),
        (lambda i: PillowImage.fromarray(i).convert("RGBA"), "mode RGBA, wanted L or RGB"),
        (lambda i: 5, "ir is a int, wanted a path, Pillow image, array or tensor"),
        (lambda i: i[:50], "50x80|80x50|size"),
    ],
)  # fmt: skip
def test_other_input_is_refused(images: Images, change: Callable[[Image], object], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        bench.evaluate(change(images[0]), *images[1:])


@pytest.mark.parametrize(
    ("values", "data_range", "message"),
    [
        (np.full((8, 8), 200.0), 1.0, "ir has values from 200 to 200, wanted 0 to 1"),
        (np.full((8, 8), -0.1), 1.0, "ir has values from -0.1 to -0.1"),
        (np.full((8, 8), np.nan), 1.0, "ir has values that are not finite"),
        (np.full((8, 8), 0.5), 0.0, "data_range is 0.0"),
    ],
)  # fmt: skip
def test_floats_outside_their_range_are_refused(values: np.ndarray, data_range: float, message: str) -> None:
    grey = np.zeros((8, 8), np.uint8)
    with pytest.raises(BenchError, match=message):
        bench.evaluate(values, grey, grey, data_range=data_range)


# ------------------------------------------------------------------ training loops


def test_a_pair_is_fused_as_in_a_run(images: Images) -> None:
    from methods import create

    ir, vis, _ = images
    wanted = create("laplacian_pyramid").fuse_pair(ir, vis)
    found = bench.fuse("laplacian_pyramid", torch.from_numpy(ir.copy())[None], PillowImage.fromarray(vis))
    np.testing.assert_array_equal(found, wanted)
    with pytest.raises(BenchError, match="did you mean average"):
        bench.fuse("averge", ir, vis)


def test_metrics_are_kept_over_a_training_loop(images: Images) -> None:
    pytest.importorskip("torchmetrics")
    metrics = bench.FusionMetrics(["EN", "PSNR", "VIF"], data_range=1.0)
    batch = [torch.from_numpy(np.stack([image, image[::-1]])[:, None] / 255.0) for image in images]
    metrics.update(*batch)
    metrics.update(*(each[:1] for each in batch))
    rows = bench.evaluate(*batch, metrics=["EN", "PSNR", "VIF"], data_range=1.0)
    found = metrics.compute()
    for name in ("EN", "PSNR", "VIF"):
        assert float(found[name]) == pytest.approx((2 * rows[name][0] + rows[name][1]) / 3, rel=1e-12)
    equal = torch.zeros(1, 1, 60, 80)
    metrics.update(equal, equal, equal)  # their PSNR is a cap, no measurement
    assert float(metrics.compute()["PSNR"]) == pytest.approx(float(found["PSNR"]), rel=1e-12)
    metrics.reset()
    with pytest.raises(BenchError, match="ir, vis and fused are 2, 1, 1 images"):
        metrics.update(batch[0], batch[1][:1], batch[2][:1])


def test_metrics_are_summed_over_the_processes_of_a_training(images: Images) -> None:
    pytest.importorskip("torchmetrics")
    whole, parts = bench.FusionMetrics(["EN", "SD"]), [bench.FusionMetrics(["EN", "SD"]) for _ in range(2)]
    for place, turned in enumerate((images, tuple(image[:, ::-1] for image in images), images)):
        whole.update(*turned)
        parts[place % 2].update(*turned)
    # what torchmetrics does after gathering the states of all processes
    parts[0]._reduce_states(parts[1].metric_state)
    for name, value in whole.compute().items():
        assert float(parts[0].compute()[name]) == pytest.approx(float(value), rel=1e-12)


TRANSFORM = """
import os
import bench
import numpy as np
from scipy import fftpack
print(fftpack.dct(np.ones(4))[0], os.environ.get("DUCC0_NUM_THREADS"))
"""


@pytest.mark.parametrize(
    ("threads", "wanted"),
    [("", "1"), ("4,2", "4"), (" 3 , 1", "3"), ("all", "1"), ("2", None), (" 2 ", None), (None, None)],
)
def test_any_wish_for_threads_is_understood(threads: str | None, wanted: str | None) -> None:
    """SciPy 1.18 takes OMP_NUM_THREADS for one number, in each of its Fourier transforms."""
    environment = {
        key: value for key, value in os.environ.items() if key not in ("OMP_NUM_THREADS", "DUCC0_NUM_THREADS")
    }
    environment |= {} if threads is None else {"OMP_NUM_THREADS": threads}
    done = subprocess.run(
        [sys.executable, "-c", TRANSFORM], env=environment, capture_output=True, text=True, timeout=300
    )  # fmt: skip
    assert done.stdout == f"8.0 {wanted}\n", done.stderr


RANK = """
import sys
import numpy as np, torch, torch.distributed as distributed
import bench
rank, store, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
images = np.random.default_rng(5).integers(0, 256, (3, 3, 1, 48, 56), dtype=np.uint8)
metrics = bench.FusionMetrics(["EN", "SD", "MI"])
for index in range(rank, 3, 2):  # two images here, one there
    metrics.update(*(torch.from_numpy(each[index][None]) for each in images))
found = metrics.compute()
np.save(f"{out}{rank}.npy", np.array([float(found[name]) for name in ("EN", "SD", "MI")]))
distributed.barrier()  # or PyTorch may still be at work in a thread when the interpreter ends
distributed.destroy_process_group()
"""


def test_two_processes_of_a_distributed_training_find_the_means_of_all_images(tmp_path: Path) -> None:
    """With processes, by ``torch.distributed``; each comes to the same means."""
    pytest.importorskip("torchmetrics")
    if not (torch.distributed.is_available() and torch.distributed.is_gloo_available()):
        pytest.skip("this PyTorch has no gloo")
    command = [sys.executable, "-c", RANK]
    ranks = [
        subprocess.Popen([*command, str(rank), str(tmp_path / "store"), str(tmp_path / "rank")]) for rank in range(2)
    ]
    assert [rank.wait(timeout=180) for rank in ranks] == [0, 0]
    images = np.random.default_rng(5).integers(0, 256, (3, 3, 1, 48, 56), dtype=np.uint8)
    rows = [evaluate_images(*(each[index][0] for each in images), metrics=["EN", "SD", "MI"]) for index in range(3)]
    wanted = [np.mean([row[name] for row in rows]) for name in ("EN", "SD", "MI")]
    for rank in range(2):
        np.testing.assert_allclose(np.load(tmp_path / f"rank{rank}.npy"), wanted, rtol=1e-12)
