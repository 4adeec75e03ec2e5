"""Hostile and broken input: each is answered with one line of what was seen, what was wanted and how to mend it."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from bench.cli import app
from bench.errors import BenchError
from bench.plugin.kinds import METHODS

Arguments = list[Any]


@dataclass(frozen=True)
class Place:
    """Where a case may make a mess.

    Attributes:
        root: a folder of its own.
        canary: a file that only an attack that worked would write.
        plugin: installs a package of methods.
    """

    root: Path
    canary: Path
    plugin: Callable[[Path, str, str, list[str]], None]

    @property
    def tno(self) -> Path:
        return self.root / "data" / "TNO"

    @property
    def msrs(self) -> Path:
        return self.root / "data" / "MSRS"

    def fuse(self, **changed: Any) -> Arguments:
        """``bench fuse`` of the first pair, with other settings."""
        settings = {"method": "average", "ir": self.tno / "ir" / "01.png", "vis": self.tno / "vi" / "01.png",
                    "out": self.root / "fused.png", "device": "cpu", **changed}  # fmt: skip
        return ["fuse", *(part for key, value in settings.items() for part in (f"--{key.replace('_', '-')}", value))]

    def check(self, dataset: str = "tno") -> Arguments:
        return ["data", "check", dataset, "--data-root", self.root / "data"]

    def run(self, *more: Any, out: Path | None = None) -> Arguments:
        return ["run", "--methods", "visible", "--datasets", "tno", "--tasks", "metrics", "--metrics", "EN", "--device",
                "cpu", "--data-root", self.root / "data", "--out", out or self.root / "out", "--executor", "inline",
                *more]  # fmt: skip

    def write(self, name: str, content: bytes | str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def image(self, array: np.ndarray, path: Path | None = None, **how: Any) -> Path:
        path = path or self.root / "image.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(path, **how)
        return path


class Bomb:
    """Unpickled, it would write the canary."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.canary}'",)


@pytest.fixture
def place(tmp_path: Path, plugin: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    rng = np.random.default_rng(0)
    place = Place(tmp_path / "place", tmp_path / "canary", plugin)
    for name in ("01", "03"):
        for folder in ("ir", "vi"):
            place.image(rng.integers(0, 256, (16, 20), dtype=np.uint8), place.tno / folder / f"{name}.png")
    for split, name in (("test", "00004N"), ("detection", "131")):
        for folder in ("ir", "vi"):
            place.image(rng.integers(0, 256, (16, 20, 3), dtype=np.uint8), place.msrs / split / folder / f"{name}.png")
    place.image(np.zeros((16, 20), np.uint8), place.msrs / "test" / "Segmentation_labels" / "00004N.png")
    (place.msrs / "detection" / "labels").mkdir()
    (place.msrs / "detection" / "labels" / "131.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    monkeypatch.syspath_prepend(str(tmp_path / "place" / "plugins"))
    METHODS.__dict__.pop("entries", None)
    yield place
    METHODS.__dict__.pop("entries", None)


def huge_png(side: int) -> bytes:
    """A valid header of an image that nobody has the memory for."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def png(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


NOISE = np.random.default_rng(1).integers(0, 256, (16, 20), dtype=np.uint8)


def broken_crc() -> bytes:
    data = bytearray(png(NOISE))
    data[-20] ^= 0xFF
    return bytes(data)


# ------------------------------------------------------------------ images


def image_cases() -> dict[str, tuple[Callable[[Place], Arguments], str]]:
    def ir(content: bytes) -> Callable[[Place], Arguments]:
        return lambda p: p.fuse(ir=p.write("broken.png", content))

    return {
        "image: truncated": (ir(png(NOISE)[:150]), "not a readable image"),
        "image: empty": (ir(b""), "an empty file"),
        "image: text": (ir(b"<html>404 Not Found</html>"), "a web page saved in the place of the file"),
        "image: wrong checksum inside": (ir(broken_crc()), "not a readable image"),
        "image: huge": (ir(huge_png(12_000)), "144000000 pixels) exceeds limit of 100000000"),
        "image: bomb": (ir(huge_png(60_000)), "exceeds limit"),
        "image: 16 bit": (lambda p: p.fuse(ir=p.image(NOISE.astype(np.uint16) * 9)), "16-bit image"),
        "image: float": (
            lambda p: p.fuse(ir=p.image(NOISE.astype(np.float32), p.root / "f.tif")), "floating-point image (mode F)",
        ),
        "image: alpha": (
            lambda p: p.fuse(vis=p.image(np.stack([NOISE] * 4, axis=-1))), "image with an alpha channel (mode RGBA)",
        ),
        "image: print colours": (
            lambda p: (Image.new("CMYK", (20, 16)).save(p.root / "c.jpg"), p.fuse(vis=p.root / "c.jpg"))[1],
            "image of mode CMYK, wanted 8-bit grey or RGB",
        ),
        "image: another size": (lambda p: p.fuse(ir=p.image(NOISE[:8])), "infrared is 20x8, visible 20x16, wanted the same"),  # noqa: E501
        "image: not there": (lambda p: p.fuse(ir=p.root / "none.png"), "no such file or folder; check --ir and --vis"),
        "image: a folder beside a file": (lambda p: p.fuse(ir=p.tno / "ir"), "wanted two of a kind"),
        "image: no place for the result": (
            lambda p: p.fuse(out=p.write("file", "") / "fused.png"), "File exists",
        ),
    }  # fmt: skip


# ------------------------------------------------------------------ data sets


def linked(place: Place, target: Path, name: str = "05.png") -> Arguments:
    (place.tno / "ir" / name).symlink_to(target)
    shutil.copy(place.tno / "vi" / "01.png", place.tno / "vi" / "05.png")
    return place.check()


def boxes(text: str) -> Callable[[Place], Arguments]:
    def case(place: Place) -> Arguments:
        (place.msrs / "detection" / "labels" / "131.txt").write_text(text)
        return place.check("mfnet:detection")

    return case


def labels(array: np.ndarray) -> Callable[[Place], Arguments]:
    def case(place: Place) -> Arguments:
        place.image(array, place.msrs / "test" / "Segmentation_labels" / "00004N.png")
        return place.check("mfnet")

    return case


def named(name: str) -> Callable[[Place], Arguments]:
    def case(place: Place) -> Arguments:
        for folder in ("ir", "vi"):
            shutil.copy(place.tno / "vi" / "01.png", place.tno / folder / name)
        return place.check()

    return case


def original_release(listed: str) -> Callable[[Place], Arguments]:
    def case(place: Place) -> Arguments:
        folder = place.root / "original" / "ir_seg_dataset"
        place.image(np.stack([NOISE] * 4, axis=-1), folder / "images" / "00004N.png")
        (folder / "labels").mkdir()
        (folder / "train.txt").write_text("00004N\n")
        (folder / "test.txt").write_text(listed)
        return ["run", "--methods", "visible", "--datasets", "mfnet:original_test", "--data-root", folder.parent,
                "--out", place.root / "out", "--executor", "inline"]  # fmt: skip

    return case


def data_cases() -> dict[str, tuple[Callable[[Place], Arguments], str]]:
    return {
        "data: link to nothing": (lambda p: linked(p, p.root / "gone.png"), "gone.png, which does not exist"),
        "data: link to itself": (lambda p: linked(p, p.tno / "ir" / "05.png"), "link"),
        "data: folder for an image": (
            lambda p: ((p.tno / "ir" / "05.png").mkdir(), p.check())[1], "is not a file; remove it",
        ),
        "data: pipe for an image": (lambda p: (os.mkfifo(p.tno / "ir" / "05.png"), p.check())[1], "is not a file"),
        "data: name with a line break": (named("a\nb.png"), "wanted a printable pair name"),
        "data: name with a terminal's control codes": (named("\x1b[2Jx.png"), "wanted a printable pair name"),
        "data: no partner": (lambda p: ((p.tno / "ir" / "03.png").unlink(), p.check())[1], "has no infrared image in"),
        "data: cut off in its pixels": (
            lambda p: (p.write("data/TNO/ir/03.png", png(NOISE)[:200]), p.check())[1], "not a readable image",
        ),
        "data: root is a file": (lambda p: p.run("--data-root", p.write("file", "")), "is not a folder"),
        "data: root is not there": (lambda p: p.run("--data-root", p.root / "none"), "does not exist; give an existing"),  # noqa: E501
        "data: set is not there": (lambda p: p.run("--datasets", "roadscene"), "no folder RoadScene with its images in"),  # noqa: E501
        "data: no usable pair": (
            lambda p: ([path.unlink() for path in (p.tno / "ir").iterdir()], p.run())[1],
            "none of the data sets holds a usable pair (tno test 01: has no infrared image in",
        ),
        "labels: out of range": (labels(np.full((16, 20), 9, np.uint8)), "label 9, wanted class ids 0 to 8, or 255"),
        "labels: coloured": (labels(np.stack([NOISE] * 3, axis=-1)), "image of mode RGB, wanted one channel of class ids"),  # noqa: E501
        "labels: another size": (labels(np.zeros((8, 20), np.uint8)), "00004N"),
        "boxes: words": (boxes("person 0.5 0.5 0.2 0.2\n"), "line 1: 'person 0.5 0.5 0.2 0.2', wanted class, centre x"),
        "boxes: six numbers": (boxes("0 0.5 0.5 0.2 0.2 0.9\n"), "wanted class, centre x, centre y, width and height"),
        "boxes: not a number": (boxes("0 0.5 nan 0.2 0.2\n"), "wanted class, centre x"),
        "boxes: pixels": (boxes("0 320 240 64 48\n"), "box 320 240 64 48, wanted fractions of the image, 0 to 1"),
        "boxes: half a class": (boxes("0.5 0.5 0.5 0.2 0.2\n"), "class 0.5, wanted a whole number from 0"),
    }  # fmt: skip


# ------------------------------------------------------------------ YAML


def yaml_file(text: str | bytes) -> Callable[[Place], Arguments]:
    return lambda p: ["run", "--methods", "visible", "--datasets", "x", "--data-root", p.root / "data", "--out",
                      p.root / "out", "--datasets-file", p.write("datasets.yaml", text)]  # fmt: skip


ENTRY = """datasets:
  x:
    title: X
    homepage: https://example.org
    licence: none
    citation: none
    instructions: none
    layouts: [{{folder: {folder}, parts: {{test: {{ir: {ir}, vis: vi}}}}}}]
    {more}
"""


def entry(folder: str = "X", ir: str = "ir", more: str = "") -> Callable[[Place], Arguments]:
    return yaml_file(ENTRY.format(folder=folder, ir=ir, more=more))


def laughs() -> str:
    """Nine lists of nine times the one before: some 10^9 items if anyone writes them out."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    return "\n".join([*lines, "datasets: *a9", ""])


def yaml_cases() -> dict[str, tuple[Callable[[Place], Arguments], str]]:
    return {
        "yaml: a tag that would run a command": (
            lambda p: yaml_file(f"datasets: !!python/object/apply:os.system ['touch {p.canary}']\n")(p),
            "not readable as plain YAML: could not determine a constructor for the tag",
        ),
        "yaml: not text": (yaml_file(b"\xff\xfe\x00"), "not readable as plain YAML"),
        "yaml: half": (yaml_file("datasets: {x: [1, 2"), "not readable as plain YAML"),
        "yaml: deeply nested": (yaml_file("datasets: " + "[" * 20_000), "not readable as plain YAML"),
        "yaml: a billion laughs": (yaml_file(laughs()), "datasets.yaml: "),
        "yaml: unknown key": (entry(more="colour: red"), "datasets.x.colour: Extra inputs are not permitted"),
        "yaml: folder out of the root": (entry(folder="../../etc"), "wanted a relative path with forward slashes"),
        "yaml: absolute folder": (entry(folder="/etc"), "wanted a relative path with forward slashes"),
        "yaml: hidden way out": (entry(ir="a/../../b"), "without '..'"),
        "yaml: pair name out of the folder": (entry(more="pairs: {test: [../x]}"), "wanted a printable pair name"),
        "yaml: another protocol": (
            entry(more=f"downloads: [{{url: 'ftp://x/y', sha256: {'0' * 64}, unpack_to: x}}]"), "downloads.0.url",
        ),
        "list: name out of the folder": (original_release("../../../etc/passwd\n"), "none of the data sets holds"),
    }  # fmt: skip


# ------------------------------------------------------------------ weights


def hostile_pickle(place: Place) -> Arguments:
    return place.fuse(method="seafusion", weights_root=place.write("evil.pth", pickle.dumps({"a": Bomb(place.canary)})))


def hostile_zip_pickle(place: Place) -> Arguments:
    import torch

    torch.save({"weight": Bomb(place.canary)}, place.root / "evil.pth")
    return place.fuse(method="seafusion", weights_root=place.root / "evil.pth")


def safetensors(content: bytes) -> Callable[[Place], Arguments]:
    return lambda p: p.fuse(method="seafusion", weights_root=p.write("w.safetensors", content))


def other_tensors(place: Place) -> Arguments:
    import torch
    from safetensors.torch import save

    return place.fuse(
        method="seafusion", weights_root=place.write("w.safetensors", save({"conv.weight": torch.zeros(3)}))
    )


def weight_cases() -> dict[str, tuple[Callable[[Place], Arguments], str]]:
    return {
        "weights: a pickle that would run a command": (hostile_pickle, "not a readable PyTorch checkpoint of tensors"),
        "weights: the same in today's format": (hostile_zip_pickle, "holds a pickled object"),
        "weights: cut off": (safetensors(b"\x10\x00\x00\x00\x00\x00\x00\x00{"), "w.safetensors"),
        "weights: header larger than the file": (safetensors(b"\xff" * 64), "w.safetensors"),
        "weights: of another network": (other_tensors, "w.safetensors"),
        "weights: not as published": (
            lambda p: p.fuse(method="seafusion", weights_root=p.write("w/SeAFusion/SeAFusion.pth", "x").parent.parent),
            "fetch it again, or name the file itself",
        ),
        "weights: not there": (
            lambda p: p.fuse(method="seafusion", weights_root=p.root / "none"), "none",
        ),
    }  # fmt: skip


# ------------------------------------------------------------------ plug-ins


GOOD = """
from bench.plugin.method import Method, MethodInfo
class Plugged(Method):
    name = "plugged"
    info = MethodInfo(title="P", year=2024, paper="none", licence="MIT", kind="classical")
    def fuse(self, ir, vis):
        return ir
"""


def plugged(source: str, entry: str = "plugged") -> Callable[[Place], Arguments]:
    def case(place: Place) -> Arguments:
        import sys

        module = f"ivfbench_{abs(hash(source)) % 10**9}"
        sys.modules.pop(module, None)
        place.plugin(place.root / "plugins", module, source, [entry])
        return place.fuse(method=entry)

    return case


def plugin_cases() -> dict[str, tuple[Callable[[Place], Arguments], str]]:
    return {
        "plug-in: fails at import": (
            plugged("import nowhere_to_be_found\n"), "cannot be imported: ModuleNotFoundError: No module named 'nowhere",  # noqa: E501
        ),
        "plug-in: not Python": (plugged("class {\n"), "cannot be imported: SyntaxError"),
        "plug-in: ends the program at import": (plugged("import sys\nsys.exit(0)\n"), "cannot be imported: SystemExit"),
        "plug-in: no class": (plugged("x = 1\n"), "defines 0 Method classes with name = \"plugged\", wanted exactly one"),  # noqa: E501
        "plug-in: class of another name": (plugged(GOOD.replace('"plugged"', '"other"')), "defines 0 Method classes"),
        "plug-in: two classes": (plugged(GOOD + GOOD.replace("Plugged(", "Second(")), "defines 2 Method classes"),
        "plug-in: no fuse": (plugged(GOOD.replace("def fuse", "def fuze")), "Plugged does not define fuse; add it"),
        "plug-in: the name of a built-in method": (
            plugged(GOOD.replace('"plugged"', '"average"'), "average"), "method 'average' is defined twice, by methods.average",  # noqa: E501
        ),
        "plug-in: unknown": (lambda p: p.fuse(method="plogged"), "unknown method 'plogged'"),
    }  # fmt: skip


# ------------------------------------------------------------------ output folders and runs


def spoilt(name: str, content: str | bytes) -> Callable[[Place], Path]:
    return lambda p: p.write(f"out/{name}", content).parent


def tables(content: Callable[[Path], None]) -> Callable[[Place], Arguments]:
    def case(place: Place) -> Arguments:
        place.write("out/manifest.json", "{}")
        content(place.root / "out" / "scores.parquet")
        return ["stats", place.root / "out"]

    return case


def in_the_way(name: str) -> Callable[[Place], Arguments]:
    def case(place: Place) -> Arguments:
        (place.root / "out" / name).mkdir(parents=True)
        return place.run()

    return case


def output_cases() -> dict[str, tuple[Callable[[Place], Arguments], str]]:
    return {
        "out: is a file": (lambda p: p.run(out=p.write("file", "")), "cannot be made an output folder (File exists)"),
        "out: below a file": (lambda p: p.run(out=p.write("file", "") / "out"), "cannot be made an output folder"),
        "out: where nobody may write": (lambda p: p.run(out=Path("/proc/bench")), "choose another --out"),
        "out: damaged manifest": (
            lambda p: (p.write("out/manifest.json", '{"a": '), p.run())[1], "not readable as JSON",
        ),
        "out: manifest of another kind": (
            lambda p: (p.write("out/manifest.json", "[]"), p.run())[1], "holds a list, wanted an object",
        ),
        "out: a folder for the lock": (in_the_way(".lock"), ".lock: cannot be locked"),
        "out: a folder for a journal": (in_the_way("parts/fused/tno/x.jsonl"), "x.jsonl: cannot be read (Is a dir"),
        "run: none": (lambda p: ["stats", p.root], "no scores.parquet, so not a finished run"),
        "run: no report of nothing": (lambda p: ["report", p.root], "not a"),
        "run: damaged table": (tables(lambda path: path.write_bytes(b"PAR1 and no more")), "scores.parquet: damaged"),
        "run: a table of something else": (
            tables(lambda path: pd.DataFrame({"a": [1]}).to_parquet(path)), "scores.parquet: columns task, dataset,",
        ),
        "score: no folder": (
            lambda p: ["score", "--fused", p.root / "none", "--dataset", "tno", "--data-root", p.root / "data", "--out",
                       p.root / "s.csv"], "none",
        ),
        "score: a table of no kind": (
            lambda p: ["score", "--fused", p.root, "--dataset", "tno", "--out", p.root / "s.xlsx"],
            "wanted a file that ends in .csv or .parquet",
        ),
        "score: images of another size": (
            lambda p: ["score", "--fused", p.image(NOISE[:8], p.root / "f" / "01.png").parent, "--dataset", "tno",
                       "--data-root", p.root / "data", "--out", p.root / "s.csv", "--jobs", "1"], "20x8",
        ),
    }  # fmt: skip


# ------------------------------------------------------------------ packs


def pack(*entries: tuple[str, bytes]) -> Callable[[Place], Arguments]:
    def case(place: Place) -> Arguments:
        with zipfile.ZipFile(place.root / "pack.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in entries:
                archive.writestr(name, content)
        return ["verify", place.root / "pack.zip", "--data-root", place.root / "data"]

    return case


def pack_cases() -> dict[str, tuple[Callable[[Place], Arguments], str]]:
    return {
        "pack: not an archive": (lambda p: ["verify", p.write("p.zip", "PK no")], "not a whole zip archive"),
        "pack: not there": (lambda p: ["verify", p.root / "none.zip"], "no such file; give what bench pack made"),
        "pack: a bomb": (pack(("pack.json", b"\0" * (64 << 20))), "times its size, wanted at most 100 times"),
        "pack: leads elsewhere": (pack(("../../canary", b"x")), "entry '../../canary' is no plain relative name"),
        "pack: of something else": (pack(("readme.txt", b"x")), "has no entry pack.json; it is not whole"),
        "pack: not JSON": (pack(("pack.json", b"{")), "not a pack of this program"),
        "pack: of another format": (pack(("pack.json", b'{"format": 2}')), "not a pack of this program"),
    }  # fmt: skip


CASES = {
    **image_cases(),
    **data_cases(),
    **yaml_cases(),
    **weight_cases(),
    **plugin_cases(),
    **output_cases(),
    **pack_cases(),
}


def answer(arguments: Arguments) -> tuple[int, str]:
    """Exit code and what was said, as the command would end; any other exception is a fault of ours."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, BenchError):
        assert "\n" not in str(result.exception), "one line"
        return 2, f"bench: {result.exception}"
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize("case", CASES)
def test_broken_input_is_answered_in_one_line_and_does_nothing(place: Place, case: str) -> None:
    make, message = CASES[case]
    code, said = answer(make(place))
    assert code in (1, 2)
    lines = [line for line in said.splitlines() if message in line]
    assert lines, said
    assert all(line.startswith("bench: ") for line in lines), said
    assert "Traceback" not in said
    assert not place.canary.exists()
    assert not (place.root / "fused.png").exists()


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 40


@pytest.fixture
def roadscene(place: Place) -> Path:
    """A data set whose pairs are named by whoever made it."""
    folder = place.root / "data" / "RoadScene"
    for name in ("<img src=x onerror=alert(1)>", "=1+1,'\"", "plain"):
        for part, pixels in (("cropinfrared", NOISE[::-1].copy()), ("crop_LR_visible", NOISE)):
            place.image(pixels, folder / part / f"{name}.jpg")
    return folder


def test_markup_in_names_is_text_in_report_and_table(place: Place, roadscene: Path) -> None:
    ready = place.root / "ready"
    shutil.copytree(roadscene / "crop_LR_visible", ready)
    arguments = [
        "run", "--ir", roadscene / "cropinfrared", "--vis", roadscene / "crop_LR_visible", "--methods",
        f"visible,R&D={ready}", "--out", place.root / "out", "--executor", "inline", "--device", "cpu",
    ]  # fmt: skip
    code, said = answer(arguments)
    assert code == 0, said
    pages = list((place.root / "out" / "report").rglob("*.html"))
    assert pages
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "R&D" not in text, page
        assert "<img src=x" not in text, page
    table = pd.read_csv(place.root / "out" / "scores.csv")
    assert {"=1+1,'\"", "<img src=x onerror=alert(1)>"} <= set(table["pair"])
    assert set(table["method"]) == {"visible", "R&D"}
