"""Where the documentation's commands are given: small data under the names that the pages use, and short trainings.

A page's folder holds what its placeholders name (``DATA``, ``WEIGHTS``, ``IR``, ``RUN``, ``ir.mp4``...), so that a
command is taken as it is printed. What is large by nature is made small from outside:

* data sets lie in their published layout with two or four pairs of 64x48; demo scenes are hardly larger;
* a training of any preset, the paper's too, takes two steps (a detector's one); segmenters are smoke's, and start at
  random as there;
* the detectors whose published weights a page needs are small ones with random weights, under the published names;
* ``all`` methods are ``ALL``, one of which has no weights; all ablations are two;
* what worker processes would do is done in the process of the test;
* reports have no curves and bars; a ladder of robustness has one rung above the clean pair; the latency passport is at
  64x48 and of ``FORMS``;
* a camera and a stream are two video files, read as a camera and a stream are.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from detector_files import write_original, write_ultralytics
from made_data import make_msrs, write_boxes, write_image
from PIL import Image
from safetensors.torch import save_file

import bench
from bench.data.demo import DemoSpec
from bench.data.spec import load_datasets
from bench.plugin.kinds import METHODS
from bench.run.executors import InlineExecutor
from bench.videos import VideoWriter
from bench.weights.places import trained_path

HEIGHT, WIDTH = 48, 64
SCENES = DemoSpec(train=4, test=6, detection=2, width=WIDTH, height=64, supersampling=1)
ALL = ["adf", "average", "infrared", "laplacian_pyramid", "seafusion", "u2fusion", "visible"]
FORMS = ("as_run", "torch", "onnx")
CAMERAS: Mapping[int | str, str] = {0: "ir.mp4", "rtsp://10.0.0.7/stream": "vis.mp4"}


@dataclass(frozen=True)
class PageFolder:
    """One page's folder; its parts are written where a page names them.

    Attributes:
        root: the folder, empty at first.
        text: of the page.
        scenes: a data root with demo scenes.
        finished: a run of three methods on them.
    """

    root: Path
    text: str
    scenes: Path
    finished: Path

    def write(self) -> None:
        """Writes what the page names."""
        self._sets()
        (self.root / "WEIGHTS").mkdir()
        if "detection" in self.text:
            self._detectors()
        if "\nbench prove" not in self.text:  # where weights nobody published would be held to published images
            install("seafusion", "densefuse")
        self._images()
        if ".mp4" in self.text:
            self._videos()
        for name in ("RUN", "runs/full", "runs/twenty", "runs/speed"):
            if name in self.text:
                shutil.copytree(self.finished, self.root / name)
        if "runs/latest" in self.text and "bench run" not in self.text:
            shutil.copytree(self.finished, self.root / "runs" / "latest")
        for name in ("A", "B"):
            if f"{name}.zip" in self.text:
                from bench.analysis.verify_pack import pack

                pack(self.finished, self.root / f"{name}.zip", images=2)

    def _sets(self) -> None:
        """Data sets in the layouts their authors published, some of their pairs."""
        shutil.copytree(self.scenes, self.root / "DATA")
        data = make_msrs(self.root / "DATA", {"train": 4, "test": 2, "detection": 2}, (HEIGHT, WIDTH))
        for part in ("train", "test"):
            for path in (data / "MSRS" / part / "vi").iterdir():
                write_boxes(data / "MSRS-detection-label" / "fusion" / part / f"{path.stem}.txt")
        for name, ending in (("roadscene", "jpg"), ("tno", "png"), ("vifb", "jpg")):
            layout = load_datasets()[name].layouts[0]
            for number, pair in enumerate(list(load_datasets()[name].pairs["test"])[:2]):
                for side, channels in ((layout.parts["test"].ir, 1), (layout.parts["test"].vis, 3)):
                    path = data / layout.folder / side / f"{pair}.{ending}"
                    write_image(path, channels, (HEIGHT, WIDTH), 2 * number + channels)

    def _detectors(self) -> None:
        weights = self.root / "WEIGHTS"
        for folder in ("YOLOv5", "Ultralytics"):
            (weights / folder).mkdir()
        write_original(weights / "YOLOv5" / "yolov5n.pt")
        for name in ("yolov5nu", "rtdetr-l"):
            write_ultralytics(weights / "Ultralytics" / f"{name}.pt")

    def _images(self) -> None:
        """Two bare folders, what ADF makes of them, and a table that says so; a stranger's folder; a pair."""
        tno = self.root / "DATA" / "TNO"
        for side, folder in (("ir", "IR"), ("vi", "VIS")):
            shutil.copytree(tno / side, self.root / folder)
            shutil.copytree(tno / side, self.root / "FRAMES" / ("ir" if side == "ir" else "vis"))
        (self.root / "FUSED" / "adf").mkdir(parents=True)
        (self.root / "FOLDER").mkdir()
        rows = ["pair,EN,MI,SF"]
        for ir in sorted((tno / "ir").iterdir()):
            vis = tno / "vi" / ir.name
            fused = bench.fuse("adf", ir, vis)
            for folder in ("FUSED/adf", "FOLDER"):
                Image.fromarray(fused).save(self.root / folder / ir.name)
            values = bench.evaluate(ir, vis, fused, metrics=["EN", "MI", "SF"])
            rows.append(f"{ir.stem}," + ",".join(f"{values[name]:.4f}" for name in ("EN", "MI", "SF")))
            shutil.copy(ir, self.root / "a.png")
            shutil.copy(vis, self.root / "b.png")
        for name in ("table.csv", "TABLE"):
            (self.root / name).write_text("\n".join(rows) + "\n")
        names = sorted(path.stem for path in (self.root / "DATA" / "VIFB" / "ir").iterdir())
        for name in names:
            for side, word in (("ir", "thermal"), ("vi", "rgb")):
                source = self.root / "DATA" / "VIFB" / side / f"{name}.jpg"
                (self.root / "DIR").mkdir(exist_ok=True)
                shutil.copy(source, self.root / "DIR" / f"{name}_{word}.jpg")
            ir, vis = (self.root / "DATA" / "VIFB" / side / f"{name}.jpg" for side in ("ir", "vi"))
            published = self.root / "DIR" / "vifb_published"
            published.mkdir(exist_ok=True)
            Image.fromarray(bench.fuse("adf", ir, vis)).save(published / f"{name}_ADF.jpg")

    def _videos(self) -> None:
        """A second of two cameras."""
        down, across = np.mgrid[:HEIGHT, :WIDTH]
        with VideoWriter(self.root / "ir.mp4", 20.0) as ir, VideoWriter(self.root / "vis.mp4", 20.0) as vis:
            for number in range(20):
                plane = 127 + 100 * np.sin((across * 3 + down + 5 * number) / 20)
                ir.write(np.repeat(plane[..., None], 3, axis=2).astype(np.uint8))
                vis.write(np.stack([plane, plane[::-1], plane[:, ::-1]], axis=2).astype(np.uint8))


def install(*names: str) -> None:
    """Leaves weights of a random network where ``bench train`` leaves its own."""
    for name in names:
        path = trained_path(name)
        path.parent.mkdir(parents=True)
        torch.manual_seed(0)
        network: Any = METHODS.get(name)
        save_file(network.network().state_dict(), path)


def make_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cuts trainings, pictures and measurements short, and lets this process do what workers would."""
    from bench.fusion import forms, passport
    from methods._training import seafusion_recipe
    from tasks.detection import tuning_budget
    from tasks.robustness import settings
    from tasks.segmentation import budget

    few: dict[str, Any] = {"rounds": 1, "fusion_epochs": 0, "random_backbone": True}
    few.update(dict.fromkeys(("fusion_steps", "segmenter_steps", "fusion_batch", "segmenter_batch"), 2))
    monkeypatch.setattr(METHODS.get("seafusion"), "ablations", ("full", "no_gradient_stream"))
    for preset, changed in seafusion_recipe.PRESETS.items():
        monkeypatch.setitem(seafusion_recipe.PRESETS, preset, {**changed, **few})
        monkeypatch.setitem(seafusion_recipe.SEGMENTERS, preset, seafusion_recipe.SEGMENTERS["smoke"])
    light = replace(budget.BUDGETS["smoke"], schedule=replace(budget.BUDGETS["smoke"].schedule, steps=2, batch=2))
    for preset in budget.BUDGETS:
        monkeypatch.setitem(budget.BUDGETS, preset, light)
    for preset, tuning in tuning_budget.SCHEDULES.items():
        monkeypatch.setitem(tuning_budget.SCHEDULES, preset, replace(tuning, steps=1, epochs=0, batch=2))
    for names in ("names", "everything"):
        monkeypatch.setattr(METHODS, names, lambda: ALL)
    for module in ("choose_executor", "audit_command", "draw_unit"):
        monkeypatch.setattr(f"bench.run.{module}.LocalExecutor", InlineExecutor)
    monkeypatch.setattr("reports.pages.dataset._figures", lambda *_: None)
    monkeypatch.setattr(settings, "SEVERITIES", (3,))
    for form in {*forms.FORMS} - {*FORMS}:
        monkeypatch.delitem(forms.FORMS, form)
    monkeypatch.setattr(passport, "SIZES", ((HEIGHT, WIDTH),))
    monkeypatch.setattr(passport, "REPEATS", 3)
    opened = cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", lambda source: opened(CAMERAS.get(source, source)))
