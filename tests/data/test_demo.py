"""The generated set: layout on disk, exact truth, determinism, and modalities that carry different things."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.colour import luma
from bench.data.demo import DemoSpec, dataset, ensure_demo
from bench.data.demo.cars import BODIES, CarState, add_car
from bench.data.demo.layout import draw_scene
from bench.data.demo.materials import CONCRETE
from bench.data.demo.mesh import Frame, Mesh
from bench.data.demo.noise import Noise
from bench.data.demo.raster import NEAR, Camera, SunView, see
from bench.data.demo.render import draw
from bench.data.demo.spec import Label
from bench.errors import BenchError
from bench.images import read_image
from bench.types import Image as Picture

TINY = DemoSpec(train=2, test=2, detection=2, width=96, height=72)
# scenes do not depend on the number or the size of the images, so these are scenes of the default set, drawn smaller
SMALL = DemoSpec(train=14, test=24, detection=4, width=160, height=120)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_demo(tmp_path_factory.mktemp("demo"), spec=SMALL)


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.iterdir())


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(("part", "count"), [("train", 14), ("test", 24)])
def test_segmentation_parts_lie_in_the_msrs_layout(small: Path, part: str, count: int) -> None:
    names = _names(small / part / "vi")
    assert len(names) == count
    assert all(len(name) == 6 and name[:5].isdigit() and name[5] in "DN" for name in names)
    assert sum(name.endswith("N") for name in names) == count // 2
    assert _names(small / part / "ir") == _names(small / part / "Segmentation_labels") == names
    with (
        Image.open(small / part / "vi" / f"{names[0]}.png") as vis,
        Image.open(small / part / "ir" / f"{names[0]}.png") as ir,
    ):
        assert (vis.mode, vis.size) == ("RGB", (160, 120))
        assert (ir.mode, ir.size) == ("L", (160, 120))


def test_train_and_test_names_are_disjoint(small: Path) -> None:
    assert not {name[:5] for name in _names(small / "train" / "vi")} & {
        name[:5] for name in _names(small / "test" / "vi")
    }


@pytest.mark.parametrize("part", ["train", "test"])
def test_every_class_is_present_in_every_part(small: Path, part: str) -> None:
    pixels = np.zeros(256, int)
    for path in (small / part / "Segmentation_labels").iterdir():
        labels = read_image(path)
        assert labels.shape == (120, 160)
        pixels += np.bincount(labels.ravel(), minlength=256)
    assert (pixels[: len(Label)] > 60).all(), pixels[: len(Label)]
    assert pixels[len(Label) :].sum() == 0


def test_boxes_are_yolo_lines_round_warm_people_and_cars(small: Path) -> None:
    folder = small / "detection"
    assert _names(folder / "labels") == _names(folder / "vi") == _names(folder / "ir")
    people = cars = 0
    for path in (folder / "labels").iterdir():
        ir = read_image(folder / "ir" / f"{path.stem}.png").astype(int)
        height, width = ir.shape
        for line in path.read_text().splitlines():
            kind, *numbers = line.split()
            x, y, wide, tall = map(float, numbers)
            assert x - wide / 2 + 1e-6 >= 0
            assert x + wide / 2 <= 1 + 1e-6
            assert y - tall / 2 + 1e-6 >= 0
            assert y + tall / 2 <= 1 + 1e-6
            assert kind in ("0", "2")
            people, cars = people + (kind == "0"), cars + (kind == "2")
            rows = slice(round((y - tall / 2) * height), round((y + tall / 2) * height))
            columns = slice(round((x - wide / 2) * width), round((x + wide / 2) * width))
            if kind == "0" and rows.stop - rows.start > 12:
                assert ir[rows, columns].max() > np.median(ir) + 35
    assert people >= 4
    assert cars >= 3


def test_boxes_fit_the_label_map() -> None:
    gaps = []
    for index in range(6):
        drawing = draw((0, 3, index), False, index, DemoSpec())
        height, width = drawing.labels.shape
        for box in drawing.boxes:
            if box.width * width < 8:
                continue  # limbs thinner than the map can show
            rows = slice(round((box.y - box.height / 2) * height), round((box.y + box.height / 2) * height))
            columns = slice(round((box.x - box.width / 2) * width), round((box.x + box.width / 2) * width))
            hit = drawing.labels[rows, columns] == box.label
            for axis in (0, 1):
                reached = np.flatnonzero(hit.any(axis=axis))
                gaps += [reached[0], hit.shape[1 - axis] - 1 - reached[-1]]
    assert len(gaps) > 60
    assert max(gaps) <= 5  # a sliver seen beside something nearer is no majority of any pixel
    assert np.mean(np.array(gaps) <= 1) > 0.95


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first = _bytes(ensure_demo(tmp_path / "a", seed=3, spec=TINY))
    second = _bytes(ensure_demo(tmp_path / "b", seed=3, spec=TINY))
    other = _bytes(ensure_demo(tmp_path / "c", seed=4, spec=TINY))
    assert first == second
    assert first.keys() == other.keys()
    assert not [name for name in first if name.endswith(".png") and first[name] == other[name]]


def test_scenes_do_not_depend_on_how_many_are_made(tmp_path: Path) -> None:
    few = ensure_demo(tmp_path / "few", spec=DemoSpec(1, 1, 0, 96, 72))
    more = ensure_demo(tmp_path / "more", spec=TINY)
    assert (few / "train/vi/00001D.png").read_bytes() == (more / "train/vi/00001D.png").read_bytes()
    assert (few / "test/vi/00002D.png").read_bytes() == (more / "test/vi/00003D.png").read_bytes()


def test_second_call_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_demo(tmp_path, spec=TINY)
    monkeypatch.setattr(dataset, "draw", None)  # would fail if it were called
    assert ensure_demo(tmp_path, spec=TINY) == tmp_path / "demo"


def test_set_of_any_size_is_kept_when_no_size_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_demo(tmp_path, spec=TINY)
    monkeypatch.setattr(dataset, "draw", None)
    assert len(_names(ensure_demo(tmp_path) / "train" / "vi")) == 2


def test_set_with_missing_images_is_made_again_and_progress_is_told(tmp_path: Path) -> None:
    folder = ensure_demo(tmp_path, spec=TINY)
    whole = _bytes(folder)
    (folder / "test/vi/00003D.png").unlink()
    (tmp_path / ".demo-killed" / "new").mkdir(parents=True)
    told: list[tuple[int, int]] = []
    ensure_demo(tmp_path, spec=TINY, progress=lambda done, total: told.append((done, total)))
    assert _bytes(folder) == whole
    assert told == [(k, 6) for k in range(1, 7)]
    assert not list(tmp_path.glob(".demo-*"))


def test_newer_generator_makes_the_set_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ensure_demo(tmp_path, spec=TINY)
    (folder / "train/vi/00001D.png").write_bytes(b"old")
    monkeypatch.setattr(dataset, "VERSION", dataset.VERSION + 1)
    ensure_demo(tmp_path, spec=TINY)
    assert read_image(folder / "train/vi/00001D.png").shape == (72, 96, 3)


def test_broken_off_generation_leaves_the_old_set_and_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _bytes(ensure_demo(tmp_path, spec=TINY))

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset, "draw", fail)
    with pytest.raises(KeyboardInterrupt):
        ensure_demo(tmp_path, seed=1, spec=TINY)
    assert _bytes(tmp_path / "demo") == before
    assert {path.name for path in tmp_path.iterdir()} <= {"demo", ".demo.lock"}


def test_folder_of_someone_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "mine.txt").write_text("mine")
    with pytest.raises(BenchError, match=r"holds files but no demo\.json"):
        ensure_demo(tmp_path, spec=TINY)
    assert (tmp_path / "demo" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("sizes", [{"width": 50}, {"width": 98}, {"train": -1}, {"supersampling": 0}])
def test_impossible_sizes_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(BenchError, match=next(iter(sizes)) + "|multiples of 4"):
        DemoSpec(**sizes)


def test_negative_seed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="seed is -1, wanted 0 or more"):
        ensure_demo(tmp_path, seed=-1)


def test_importing_the_package_loads_no_drawing_code() -> None:
    code = "import sys, bench.data.demo; sys.exit(any(name in sys.modules for name in ('cv2', 'torch', 'scipy')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _thumbnail(vis: Picture, ir: Picture) -> NDArray[np.float64]:
    """What distinguishes a scene, as a unit vector: small, local contrast only, both modalities."""
    parts = []
    for image in (vis, ir):
        little = cv2.resize(luma(image), (40, 30), interpolation=cv2.INTER_AREA)
        local = little - cv2.GaussianBlur(little, (0, 0), 3)
        parts.append((local / local.std()).ravel())
    vector = np.concatenate(parts)
    return vector / np.linalg.norm(vector)


def _thumbnails(folder: Path) -> NDArray[np.float64]:
    names = _names(folder / "vi")
    return np.array(
        [_thumbnail(*(read_image(folder / kind / f"{name}.png") for kind in ("vi", "ir"))) for name in names]
    )


def test_no_two_scenes_of_train_and_test_are_near_duplicates(small: Path) -> None:
    train, test = _thumbnails(small / "train"), _thumbnails(small / "test")
    assert (train @ test.T).max() < 0.6
    again = draw((0, 2, 0), False, 0, DemoSpec(width=320, height=240))  # the same scene in another size is one
    assert _thumbnail(again.vis, again.ir) @ test[0] > 0.8


def _contrasts(folder: Path, hour: str) -> dict[Label, tuple[float, float]]:
    """Median over objects of how far their grey lies from the median around them: (visible, infrared)."""
    found: dict[Label, list[tuple[float, float]]] = defaultdict(list)
    for name in _names(folder / "vi"):
        if not name.endswith(hour):
            continue
        vis, ir = (
            luma(read_image(folder / "vi" / f"{name}.png")),
            read_image(folder / "ir" / f"{name}.png").astype(float),
        )
        labels = read_image(folder / "Segmentation_labels" / f"{name}.png")
        for label in list(Label)[1:]:
            count, parts = cv2.connectedComponents((labels == label).astype(np.uint8))
            for part in range(1, count):
                mask = (parts == part).astype(np.uint8)
                around = (
                    (cv2.dilate(mask, np.ones((7, 7))) > 0)
                    & (cv2.dilate(mask, np.ones((3, 3))) == 0)
                    & (labels != label)
                )
                if mask.sum() >= 12 and around.sum() >= 10:
                    inside = mask > 0
                    found[label].append(
                        (
                            float(np.abs(vis[inside] - np.median(vis[around])).mean()),
                            float(np.abs(ir[inside] - np.median(ir[around])).mean()),
                        )
                    )
    return {
        label: (float(np.median([v for v, _ in pairs])), float(np.median([i for _, i in pairs])))
        for label, pairs in found.items()
    }


@pytest.mark.parametrize("hour", ["D", "N"])
def test_people_stand_out_in_infrared_and_street_things_in_visible(small: Path, hour: str) -> None:
    train, test = _contrasts(small / "train", hour), _contrasts(small / "test", hour)
    for contrasts in (train, test):
        vis, ir = contrasts[Label.PERSON]
        assert ir > 40
        assert ir > (3.0 if hour == "N" else 1.5) * vis
        for label in (Label.CURVE, Label.CAR_STOP, Label.COLOR_CONE, Label.BUMP, Label.GUARDRAIL):
            vis, ir = contrasts[label]
            assert vis > (12 if hour == "N" else 2), label  # most days have fog
            assert ir < contrasts[Label.PERSON][1] / 6, label
            # infrared has noise as well, and what is seen through a rail is as warm as it likes
            assert label == Label.GUARDRAIL or vis > (1.8 if hour == "N" else 0.2) * ir, label


def test_fog_hides_people_from_the_eye_and_not_from_infrared() -> None:
    hidden = []
    for index in range(12):
        rng = np.random.default_rng((0, 2, 2 * index))
        Noise(rng)  # drawn before the scene
        scene = draw_scene(rng, False, index)
        drawing = draw((0, 2, 2 * index), False, index, SMALL)
        people = drawing.labels == Label.PERSON
        ring = (cv2.dilate(people.astype(np.uint8), np.ones((9, 9))) > 0) & (drawing.labels == 0)
        if people.sum() > 40:
            contrast = [abs(float(np.median(image[people])) - float(np.median(image[ring])))
                        for image in (luma(drawing.vis), drawing.ir.astype(float))]  # fmt: skip
            hidden.append((scene.climate.foggy, *contrast))
    foggy = [(vis, ir) for fog, vis, ir in hidden if fog]
    assert len(foggy) >= 4
    assert np.median([vis for vis, _ in foggy]) < 25
    assert np.median([ir for _, ir in foggy]) > 60


def test_people_are_labelled_whether_or_not_they_are_seen(small: Path) -> None:
    unseen = 0
    for name in _names(small / "test" / "vi"):
        labels = read_image(small / "test/Segmentation_labels" / f"{name}.png")
        people = labels == Label.PERSON
        if name.endswith("N") and people.sum() > 40:
            vis = luma(read_image(small / "test/vi" / f"{name}.png"))
            ring = (cv2.dilate(people.astype(np.uint8), np.ones((9, 9))) > 0) & (labels == 0)
            unseen += bool(abs(np.median(vis[people]) - np.median(vis[ring])) < 5)
    assert unseen >= 2


def test_running_car_is_warm_and_parked_car_is_cold() -> None:
    warmest = {}
    for running in (False, True):
        mesh = Mesh()
        add_car(mesh, Frame(0.0, 8.0), BODIES["sedan"], (0.4, 0.4, 0.4), CarState(running, lamps=False))
        faces = mesh.build()
        warmest[running] = faces.column("heat")[faces.label == Label.CAR]
    assert warmest[False].max() == 0
    assert warmest[True].max() >= 30  # the exhaust
    assert (warmest[True] >= 7).sum() >= 8  # bonnet, grille and wheels


def _square(mesh: Mesh, label: Label, distance: float, half: float = 1.0) -> None:
    mesh.begin(label)
    mesh.add([(-half, 1.5 - half, distance), (half, 1.5 - half, distance), (half, 1.5 + half, distance),
              (-half, 1.5 + half, distance)], CONCRETE)  # fmt: skip


CAMERA = Camera(width=120, height=90, focal=100.0, horizon=44.5, height_m=1.5, yaw=0.0)


@pytest.mark.parametrize("order", [(4.0, 8.0), (8.0, 4.0)])
def test_nearer_faces_hide_farther_ones_whatever_the_order(order: tuple[float, float]) -> None:
    mesh = Mesh()
    for distance in order:
        _square(mesh, Label.CAR if distance == 4.0 else Label.PERSON, distance, half=1.0)
    faces = mesh.build()
    buffers = see(faces, CAMERA, Noise(np.random.default_rng(0)))
    assert faces.label[buffers.face[44, 60]] == Label.CAR
    assert Label.PERSON not in faces.label[np.unique(buffers.face[buffers.face >= 0])]
    assert 1 / buffers.nearness[44, 60] == pytest.approx(4.0, rel=1e-5)


def _cast(vertices: NDArray[np.float64], camera: Camera) -> NDArray[np.int64]:
    """Nearest triangle (N, 3, 3) or ground on every pixel's ray, one ray at a time: the plain oracle."""
    seen = np.full((camera.height, camera.width), -1)
    for row in range(camera.height):
        for column in range(camera.width):
            ray = np.array(
                [(column - (camera.width - 1) / 2) / camera.focal, (camera.horizon - row) / camera.focal, 1.0]
            )
            nearest = -camera.height_m / ray[1] if ray[1] < 0 else np.inf
            for index, (a, b, c) in enumerate(vertices - camera.centre):
                try:
                    u, v, distance = np.linalg.solve(np.stack([b - a, c - a, -ray], axis=1), -a)
                except np.linalg.LinAlgError:
                    continue
                if u >= 0 and v >= 0 and u + v <= 1 and NEAR < distance < nearest:
                    nearest, seen[row, column] = distance, index
    return seen


def test_drawing_agrees_with_casting_a_ray_through_every_pixel() -> None:
    rng = np.random.default_rng(5)
    camera = Camera(width=48, height=36, focal=40.0, horizon=17.5, height_m=1.5, yaw=0.0)
    triangles = rng.uniform((-3, 0, 2), (3, 3, 9), size=(9, 3, 3))
    triangles[0, 0, 2] = -3.0  # one reaches behind the camera and must be cut
    mesh = Mesh()
    for triangle in triangles:
        mesh.add(triangle, CONCRETE)
    drawn = see(mesh.build(), camera, Noise(np.random.default_rng(0))).face
    cast = _cast(triangles, camera)
    ids = cast.astype(np.int16)
    inner = cv2.erode(ids, np.ones((3, 3))) == cv2.dilate(ids, np.ones((3, 3)))  # outlines belong to either side
    assert inner.mean() > 0.5
    assert len(np.unique(cast)) > 6
    assert (drawn == cast)[inner].mean() > 0.995


def test_board_throws_its_shadow_where_the_sun_says() -> None:
    mesh = Mesh()
    mesh.add([(-1, 2, 9), (1, 2, 9), (1, 2, 11), (-1, 2, 11)], CONCRETE)  # a roof 2 m above the ground
    sun = np.array([1.0, 1.0, 0.0]) / np.sqrt(2)  # 45 degrees high in the right: shadows fall 2 m to the left
    x, z = np.meshgrid(np.linspace(-6, 6, 61), np.linspace(5, 15, 51))
    ground = np.stack([x, np.zeros_like(x), z]).astype(np.float32)
    view = SunView.toward(sun, 400, 30.0, np.array([0.0, 0.0, 10.0]))
    lit = view.lit(mesh.build(), ground, Noise(np.random.default_rng(0)))
    expected = 1.0 - ((np.abs(x + 2) < 1) & (np.abs(z - 10) < 1))
    edge = (np.abs(np.abs(x + 2) - 1) < 0.15) | (np.abs(np.abs(z - 10) - 1) < 0.15)
    np.testing.assert_array_equal(lit[~edge], expected[~edge])


@pytest.mark.slow
def test_detector_trained_on_photographs_recognises_the_people(shared: Path, tmp_path: Path) -> None:
    """A COCO-pretrained detector finds people by infrared at any hour, but at night hardly by visible."""
    detectors = pytest.importorskip("tasks.detection.detectors.yolov5")
    torch = pytest.importorskip("torch")
    detector = detectors.YoloV5Detector("yolov5n", shared / "weights" / "published", "cpu")
    folder = ensure_demo(tmp_path, spec=DemoSpec(train=0, test=0, detection=12)) / "detection"
    found: dict[tuple[str, bool], list[bool]] = defaultdict(list)
    for kind in ("vi", "ir"):
        for number, name in enumerate(sorted(_names(folder / "vi"), key=int)):
            image = read_image(folder / kind / f"{name}.png", colour=True)
            batch = torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32) / 255)[None]
            detections = detector.detect(batch, [0])[0]
            sure = np.asarray(detections.boxes)[np.asarray(detections.scores) > 0.25]  # the detector's usual threshold
            centres = (sure[:, :2] + sure[:, 2:]) / 2
            for line in (folder / "labels" / f"{name}.txt").read_text().splitlines():
                label, x, y, wide, tall = (float(word) for word in line.split())
                if label == 0 and tall * 240 >= 24:
                    spot, reach = np.array([x * 320, y * 240]), np.array([wide * 320, tall * 240]) / 4
                    hit = any((np.abs(centre - spot) < reach).all() for centre in centres)
                    found[kind, number % 2 == 1].append(hit)
    rate = {key: float(np.mean(hits)) for key, hits in found.items()}
    assert min(rate["ir", False], rate["ir", True]) > 0.6, rate
    assert rate["ir", True] > rate["vi", True] + 0.3, rate
