"""Images of every depth, orientation and kind: read as they are meant, or refused by name."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from bench.data.folders import list_folders
from bench.data.pairs import read_pair
from bench.data.truth import read_labels
from bench.errors import BenchError
from bench.images import encode_png, image_size, read_four_channel, read_header, read_ids, read_image, read_levels

RNG = np.random.default_rng(0)
DEEP = RNG.integers(0, 65536, (6, 8, 4)).astype(np.uint16)


def netpbm(path: Path, kind: str, most: int, channels: int) -> None:
    """A PGM or PPM, plain or raw, whose samples go up to ``most``."""
    samples = DEEP[..., :channels].ravel().astype(np.int64) % (most + 1)
    if kind in ("P2", "P3"):
        body = " ".join(map(str, samples)).encode()
    else:
        body = samples.astype(">u2" if most > 255 else "u1").tobytes()
    path.write_bytes(f"{kind}\n8 6\n{most}\n".encode() + body + b"\n")


TOO_DEEP: dict[str, tuple[str, Callable[[Path], object]]] = {
    "PNG grey": ("a.png", lambda p: cv2.imwrite(str(p), DEEP[..., 0])),
    "PNG RGB": ("a.png", lambda p: cv2.imwrite(str(p), DEEP[..., :3])),
    "PNG RGBA": ("a.png", lambda p: cv2.imwrite(str(p), DEEP)),
    "TIFF grey": ("a.tif", lambda p: cv2.imwrite(str(p), DEEP[..., 0])),
    "TIFF RGB": ("a.tif", lambda p: cv2.imwrite(str(p), DEEP[..., :3])),
    "TIFF RGBA": ("a.tif", lambda p: cv2.imwrite(str(p), DEEP)),
    "TIFF float": ("a.tif", lambda p: Image.fromarray(DEEP[..., 0].astype(np.float32)).save(p)),
    "TIFF 32 bit": ("a.tif", lambda p: Image.fromarray(DEEP[..., 0].astype(np.int32)).save(p)),
    "PPM": ("a.ppm", lambda p: netpbm(p, "P6", 65535, 3)),
    "PPM of 10 bits": ("a.ppm", lambda p: netpbm(p, "P6", 1023, 3)),
    "PPM plain": ("a.ppm", lambda p: netpbm(p, "P3", 1023, 3)),
    "PGM": ("a.pgm", lambda p: netpbm(p, "P5", 65535, 1)),
    "PGM of 12 bits": ("a.pgm", lambda p: netpbm(p, "P2", 4095, 1)),
    "under another name": ("a.jpg", lambda p: p.write_bytes(cv2.imencode(".png", DEEP[..., :3])[1].tobytes())),
}


@pytest.mark.parametrize(("name", "write"), TOO_DEEP.values(), ids=TOO_DEEP)
def test_more_than_eight_bits_are_refused(tmp_path: Path, name: str, write: Callable[[Path], object]) -> None:
    path = tmp_path / name
    write(path)
    for read in (read_image, image_size, lambda p: read_labels(p, 9)):
        with pytest.raises(BenchError, match=r"a\.\w+: .*wanted at most 8 bits a channel"):
            read(path)


@pytest.mark.parametrize(
    ("name", "write", "level"),
    [
        ("a.pgm", lambda p: netpbm(p, "P5", 255, 1), DEEP[..., 0] % 256),
        ("a.ppm", lambda p: netpbm(p, "P6", 255, 3), DEEP[..., :3] % 256),
        ("a.tif", lambda p: Image.fromarray((DEEP[..., :3] % 256).astype(np.uint8)).save(p), DEEP[..., :3] % 256),
        ("a.webp", lambda p: Image.fromarray((DEEP[..., :3] % 256).astype(np.uint8)).save(p, lossless=True),
         DEEP[..., :3] % 256),
        ("a.PNG", lambda p: Image.fromarray((DEEP[..., 0] % 256).astype(np.uint8)).save(p), DEEP[..., 0] % 256),
    ],
)  # fmt: skip
def test_eight_bits_are_read_as_they_are(
    tmp_path: Path, name: str, write: Callable[[Path], object], level: np.ndarray
) -> None:
    write(tmp_path / name)
    np.testing.assert_array_equal(read_image(tmp_path / name), level)


# ------------------------------------------------------------------ labels of few bits


def png(depth: int, colour: int, ids: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG written bit by bit; ISO/IEC 15948, 11.2."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    bits = ((ids[..., None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8).reshape(len(ids), -1)
    rows = b"".join(b"\0" + np.packbits(row).tobytes() for row in bits)
    header = struct.pack(">IIBBBBB", ids.shape[1], len(ids), depth, colour, 0, 0, 0)
    extra = b"".join(chunk(kind, data) for kind, data in chunks)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


PALETTE = (b"PLTE", bytes(range(48)))


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("palette", [False, True])
def test_label_ids_are_those_stored(tmp_path: Path, depth: int, palette: bool) -> None:
    ids = RNG.integers(0, min(2**depth, 16), (5, 7))
    path = tmp_path / "a.png"
    path.write_bytes(png(depth, 3, ids, PALETTE) if palette else png(depth, 0, ids))
    np.testing.assert_array_equal(read_labels(path, 16), ids)


def test_label_ids_of_a_two_level_bitmap_are_zero_and_one(tmp_path: Path) -> None:
    ids = RNG.integers(0, 2, (5, 7)).astype(bool)
    for name in ("a.png", "a.tif", "a.bmp"):
        Image.fromarray(ids).save(tmp_path / name)
        np.testing.assert_array_equal(read_labels(tmp_path / name, 2), ids)


def tiff(bits: int, photometric: int, ids: np.ndarray) -> bytes:
    """A grey TIFF of few bits, or with 0 for white; Pillow writes none."""
    packed = ((ids[..., None] >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8).reshape(len(ids), -1)
    data = b"".join(np.packbits(row).tobytes() for row in packed)
    entries = [(256, ids.shape[1]), (257, len(ids)), (258, bits), (259, 1), (262, photometric), (273, 8), (277, 1),
               (278, len(ids)), (279, len(data))]  # fmt: skip
    data += b"\0" * (len(data) % 2)
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(entries)) + table + bytes(4)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("photometric", [0, 1], ids=["white is 0", "black is 0"])
def test_label_ids_of_a_tiff_are_those_stored(tmp_path: Path, bits: int, photometric: int) -> None:
    """Where 0 is white, Pillow turns every 0 into 255, which would be ignored."""
    ids = RNG.integers(0, min(2**bits, 16), (5, 7))
    (tmp_path / "a.tif").write_bytes(tiff(bits, photometric, ids))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif", 16), ids)


@pytest.mark.parametrize("highest", [1, 2, 8, 15, 100, 255])
@pytest.mark.parametrize("plain", [False, True])
def test_label_ids_of_a_pgm_are_those_stored(tmp_path: Path, highest: int, plain: bool) -> None:
    """Whatever the largest value that the file names; Pillow brings it to 255."""
    ids = RNG.integers(0, min(highest, 15) + 1, (5, 7))
    body = " ".join(map(str, ids.ravel())).encode() if plain else ids.astype(np.uint8).tobytes()
    (tmp_path / "a.pgm").write_bytes(b"P%d\n7 5\n%d\n" % (2 if plain else 5, highest) + body)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.pgm", 16), ids)


@pytest.mark.parametrize("plain", [False, True])
def test_label_ids_of_a_pbm_are_those_stored(tmp_path: Path, plain: bool) -> None:
    ids = RNG.integers(0, 2, (5, 8))
    rows = np.packbits(ids.astype(np.uint8), axis=1).tobytes()
    body = " ".join(map(str, ids.ravel())).encode() if plain else rows
    (tmp_path / "a.pbm").write_bytes(b"P%d\n8 5\n" % (1 if plain else 4) + body)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.pbm", 2), ids)


@pytest.mark.parametrize("ending", ["jpg", "jpeg", "png"])
def test_labels_in_a_jpeg_are_refused_whatever_the_file_is_called(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    Image.fromarray(RNG.integers(0, 9, (16, 16)).astype(np.uint8)).save(path, "JPEG")
    with pytest.raises(BenchError, match="a JPEG changes the numbers it holds"):
        read_labels(path, 9)


# ------------------------------------------------------------------ orientation

SCENE = RNG.integers(0, 256, (5, 7, 3)).astype(np.uint8)


def tagged(path: Path, orientation: int, image: np.ndarray = SCENE) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if path.suffix == ".webp" else {}
    Image.fromarray(image).save(path, exif=exif, **options)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["png", "tif", "webp"])
def test_orientation_is_applied_once(tmp_path: Path, ending: str, orientation: int) -> None:
    path = tagged(tmp_path / f"a.{ending}", orientation)
    with Image.open(path) as file:
        upright = np.asarray(ImageOps.exif_transpose(file).convert("RGB"))
    np.testing.assert_array_equal(read_image(path), upright)
    assert image_size(path) == upright.shape[:2]


GREY = {
    "grey": (SCENE[..., 0], "raw"),
    "grey, compressed": (SCENE[..., 0], "tiff_lzw"),
    "one bit": (SCENE[..., 0] > 127, "raw"),
    "16 bits": (SCENE[..., 0].astype(np.uint16) * 200, "raw"),
    "16 bits, compressed": (SCENE[..., 0].astype(np.uint16) * 200, "tiff_lzw"),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("stored", "compression"), GREY.values(), ids=GREY)
def test_a_tiff_of_one_channel_is_turned_once(
    tmp_path: Path, stored: np.ndarray, compression: str, orientation: int
) -> None:
    """Pillow maps a grey file that it opens by its path, and turns what it mapped wrongly."""
    path = tmp_path / "a.tif"
    Image.fromarray(stored).save(path, tiffinfo={0x0112: orientation}, compression=compression)
    upright = stored.swapaxes(0, 1) if orientation >= 5 else stored
    upright = upright[::-1] if orientation in (3, 4, 7, 8) else upright
    upright = upright[:, ::-1] if orientation in (2, 3, 6, 7) else upright
    deep = stored.dtype == np.uint16
    factor = 255 if stored.dtype == bool else 1
    np.testing.assert_array_equal(read_levels(path)[0], upright * factor)
    if not deep:
        np.testing.assert_array_equal(read_image(path), upright * factor)
        np.testing.assert_array_equal(read_ids(path), upright)
    assert read_header(path, deep=deep)[:2] == upright.shape


@pytest.mark.parametrize("orientation", [0, 1, 3, 6, 8, 9])
def test_orientation_of_a_jpeg_is_that_of_opencv(tmp_path: Path, orientation: int) -> None:
    smooth = cv2.resize(SCENE, (64, 48), interpolation=cv2.INTER_CUBIC)
    path = tagged(tmp_path / "a.jpg", orientation, smooth)
    seen = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    ours = read_image(path)
    assert ours.shape == seen.shape
    assert image_size(path) == ours.shape[:2]
    assert np.abs(ours.astype(int) - seen).mean() < 2  # the decoders differ by a level here and there


def test_a_chunk_behind_the_pixels_counts_too(tmp_path: Path) -> None:
    exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    ids = RNG.integers(0, 256, (5, 7))
    data = png(8, 0, ids)
    tail = struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", zlib.crc32(b"eXIf" + exif))
    path = tmp_path / "a.png"
    path.write_bytes(data[:-12] + tail + data[-12:])
    np.testing.assert_array_equal(read_image(path), np.rot90(ids, -1))
    assert image_size(path) == (7, 5)


def test_labels_and_four_channels_turn_with_their_images(tmp_path: Path) -> None:
    ids = RNG.integers(0, 9, (5, 7)).astype(np.uint8)
    np.testing.assert_array_equal(read_labels(tagged(tmp_path / "l.png", 6, ids), 9), np.rot90(ids, -1))
    four = RNG.integers(0, 256, (5, 7, 4)).astype(np.uint8)
    ir, vis = read_four_channel(tagged(tmp_path / "f.png", 6, four))
    np.testing.assert_array_equal(np.dstack([vis, ir]), np.rot90(four, -1))


def test_a_pair_is_of_one_size_once_it_stands_upright(tmp_path: Path) -> None:
    (tmp_path / "ir").mkdir()
    (tmp_path / "vis").mkdir()
    Image.fromarray(RNG.integers(0, 256, (7, 5)).astype(np.uint8)).save(tmp_path / "ir/1.png")
    tagged(tmp_path / "vis/1.tif", 8)
    pair = read_pair(list_folders(tmp_path / "ir", tmp_path / "vis").pairs[0])
    assert pair.ir.shape[:2] == pair.vis.shape[:2] == (7, 5)


# ------------------------------------------------------------------ alpha


@pytest.mark.parametrize(("mode", "shape"), [("RGBA", (6, 8, 3)), ("LA", (6, 8)), ("P", (6, 8, 3))])
def test_an_opaque_alpha_channel_is_dropped_with_a_note(tmp_path: Path, mode: str, shape: tuple[int, ...]) -> None:
    for side in ("ir", "vis"):
        (tmp_path / side).mkdir()
        pixels = RNG.integers(0, 256, (6, 8, 3)).astype(np.uint8)
        file = Image.fromarray(pixels).convert("P").convert("RGBA") if mode == "P" else Image.fromarray(pixels)
        options = {"transparency": 255} if mode == "P" else {}
        (file.convert("P", palette=Image.Palette.ADAPTIVE, colors=16) if mode == "P" else file.convert(mode)).save(
            tmp_path / side / "1.png", **options
        )
    assert read_image(tmp_path / "vis/1.png").shape == shape
    listing = list_folders(tmp_path / "ir", tmp_path / "vis")
    notes = [problem.text for problem in listing.problems if not problem.fault]
    assert any("2 images have an alpha channel, which is opaque and dropped" in note for note in notes)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_an_alpha_channel_that_hides_something_is_refused(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (8, 6)).save(tmp_path / "a.png")
    with pytest.raises(BenchError, match="that is not opaque"):
        read_image(tmp_path / "a.png")


# ------------------------------------------------------------------ the same image twice


def grey(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (6, 8)).astype(np.uint8)).save(path)
    return path


SAME_FILE: dict[str, Callable[[Path], tuple[Path, Path]]] = {
    "one folder": lambda p: (p / "a", p / "a"),
    "one folder, spelled otherwise": lambda p: (p / "a", p / "b" / ".." / "a"),
    "a link to the folder": lambda p: (p / "a", p / "link"),
    "links to the files": lambda p: (p / "a", p / "links"),
    "hard links": lambda p: (p / "a", p / "hard"),
    "one pattern": lambda p: (p / "a" / "{pair}", p / "a" / "{pair}.png"),
}


@pytest.mark.parametrize("sides", SAME_FILE.values(), ids=SAME_FILE)
def test_one_file_is_no_pair(tmp_path: Path, sides: Callable[[Path], tuple[Path, Path]]) -> None:
    for folder in ("b", "links", "hard"):
        (tmp_path / folder).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for name in ("1.png", "2.png"):
        path = grey(tmp_path / "a" / name)
        (tmp_path / "links" / name).symlink_to(path)
        (tmp_path / "hard" / name).hardlink_to(path)
    with pytest.raises(BenchError, match=r"2 pairs have one file for both sides, e\.g\. 1; give two folders"):
        list_folders(*sides(tmp_path))


IDENTICAL: dict[str, Callable[[Path], object]] = {
    "a copy": lambda p: grey(p / "1.png"),
    "another format": lambda p: Image.open(grey(p.parent / "x.png")).save(p / "1.bmp"),
    "grey as RGB": lambda p: Image.open(grey(p.parent / "x.png")).convert("RGB").save(p / "1.png"),
    "another compression": lambda p: Image.open(grey(p.parent / "x.png")).save(p / "1.png", compress_level=0),
    "an opaque channel more": lambda p: Image.open(grey(p.parent / "x.png")).convert("LA").save(p / "1.png"),
}


@pytest.mark.parametrize("write", IDENTICAL.values(), ids=IDENTICAL)
def test_identical_images_are_a_named_problem(tmp_path: Path, write: Callable[[Path], object]) -> None:
    grey(tmp_path / "ir/1.png")
    grey(tmp_path / "ir/2.png", 1)
    grey(tmp_path / "vis/2.png", 2)
    write(tmp_path / "vis")
    faults = [problem for problem in list_folders(tmp_path / "ir", tmp_path / "vis").problems if problem.fault]
    assert [(fault.where, fault.text.partition(";")[0]) for fault in faults] == [
        ("folder test 1", "its infrared and visible images are identical")
    ]


@pytest.mark.parametrize("level", [1, 6])
@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 3), (1, 1), (5, 1, 3)])
def test_a_written_png_holds_every_pixel(tmp_path: Path, shape: tuple[int, ...], level: int) -> None:
    image = RNG.integers(0, 256, shape, dtype=np.uint8)
    for array in (image, image[::-1, ::-1]):
        (tmp_path / "a.png").write_bytes(encode_png(array, level))
        assert np.array_equal(read_image(tmp_path / "a.png"), array)


# ------------------------------------------------------------------ several images in one file, files of other kinds


def frames(count: int = 2, size: tuple[int, int] = (9, 7)) -> list[Image.Image]:
    return [Image.fromarray(np.full(size, 40 * number, np.uint8)) for number in range(1, count + 1)]


def written(path: Path, images: list[Image.Image], kind: str, **settings: object) -> Path:
    images[0].save(path, kind, save_all=True, append_images=images[1:], **settings)
    return path


SEVERAL = {
    "pages of a TIFF": ("a.tif", "TIFF", {}, 3),
    "an animated PNG": ("a.png", "PNG", {"duration": 100}, 2),
    "an animated PNG with a still": ("a.png", "PNG", {"default_image": True}, 3),
    "an animated WebP": ("a.webp", "WEBP", {"lossless": True}, 2),
    "views of a JPEG": ("a.jpg", "MPO", {}, 2),
    "compressed pages": ("a.tiff", "TIFF", {"compression": "tiff_lzw"}, 4),
}


@pytest.mark.parametrize(("name", "kind", "settings", "count"), SEVERAL.values(), ids=SEVERAL)
def test_several_images_in_one_file_are_refused(
    tmp_path: Path, name: str, kind: str, settings: dict[str, object], count: int
) -> None:
    path = written(tmp_path / name, frames(count), kind, **settings)
    for read in (read_image, image_size, read_levels, read_ids):
        with pytest.raises(BenchError, match=f"holds {count} images .*wanted one|JPEG"):
            read(path)
    one = written(tmp_path / f"one{path.suffix}", frames(1), kind)
    assert read_image(one).shape[:2] == (9, 7)


def test_what_goes_with_an_image_is_no_second_one(tmp_path: Path) -> None:
    """A smaller picture in a JPEG is its thumbnail or gain map; a reduced page of a TIFF says so."""
    jpeg = written(tmp_path / "a.jpg", [*frames(1, (16, 16)), *frames(1, (8, 8))], "MPO")
    assert read_image(jpeg).shape == (16, 16)
    tiff = tmp_path / "a.tif"
    with tifffile.TiffWriter(tiff) as writer:
        writer.write(np.full((9, 7), 40, np.uint8), photometric="minisblack")
        writer.write(np.full((9, 7), 80, np.uint8), photometric="minisblack", subfiletype=1)
    assert read_image(tiff).shape == (9, 7)


OTHERS = {
    "GIF": (b"GIF89a" + bytes(40), "a GIF image"),
    "JPEG 2000": (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40), "a JPEG 2000 image"),
    "JPEG 2000 stream": (b"\xff\x4f\xff\x51" + bytes(40), "a JPEG 2000 image"),
    "AVIF": (b"\0\0\0\x20ftypavif" + bytes(40), "an AVIF image"),
    "HEIC": (b"\0\0\0\x18ftypheic" + bytes(40), "a HEIC image"),
    "HEIF": (b"\0\0\0\x18ftypmif1" + bytes(40), "a HEIC image"),
    "JPEG XL": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40), "a JPEG XL image"),
    "EXR": (b"v/1\x01" + bytes(40), "an OpenEXR image"),
    "NumPy": (b"\x93NUMPY\x01\0" + bytes(40), "a NumPy array"),
    "video": (b"\0\0\0\x18ftypisom" + bytes(40), "a video"),
    "git-lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a git-lfs pointer"),
    "web page": (b"\n <!DOCTYPE html><title>404</title>", "a web page"),
    "git-annex": (b"../../.git/annex/objects/a/b.png", "a git-annex pointer"),
    "empty": (b"", "an empty file"),
}


def test_unreadable_files_are_named_where_another_package_opens_images_first(tmp_path: Path) -> None:
    """As ultralytics does, whose ``open`` asks for a package when Pillow knows no format; in a process of its own."""
    (tmp_path / "a.png").write_bytes(b"GIF89a" + bytes(40))
    lines = (
        "from PIL import Image",
        "def replaced(*arguments, **options): raise ModuleNotFoundError('No module named pi_heif')",
        "Image.open = replaced",
        "from bench.errors import BenchError",
        "from bench.images import read_image",
        "try: read_image(__import__('pathlib').Path('a.png'))",
        "except BenchError as error: print(error)",
    )
    run = subprocess.run([sys.executable, "-c", "\n".join(lines)], cwd=tmp_path, capture_output=True, text=True)
    assert "a.png: a GIF image" in run.stdout, run.stderr


def test_a_later_replacement_of_pillows_open_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def replaced(*arguments: object, **options: object) -> None:
        raise AssertionError("used")

    monkeypatch.setattr(Image, "open", replaced)
    (tmp_path / "a.png").write_bytes(b"GIF89a" + bytes(40))
    with pytest.raises(BenchError, match="a GIF image"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize(("content", "seen"), OTHERS.values(), ids=OTHERS)
def test_files_of_other_kinds_are_called_what_they_are(tmp_path: Path, content: bytes, seen: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(BenchError) as caught:
        read_image(path)
    assert str(caught.value).startswith(f"{path}: {seen}")
    assert "identify" not in str(caught.value)


def test_a_page_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    frames(1)[0].save(path)
    content = bytearray(path.read_bytes())
    directory = int.from_bytes(content[4:8], "little")
    behind = directory + 2 + 12 * int.from_bytes(content[directory : directory + 2], "little")
    content[behind : behind + 4] = (5).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(BenchError, match="not a readable image"):
        read_image(path)
