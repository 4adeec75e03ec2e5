"""A fused clip of the demo's streets opens in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.data.demo import DemoSpec
from bench.data.demo.clips import RATE, draw_clip
from bench.videos import VideoWriter

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FRAMES = 60

PLAY = """() => new Promise((resolve, reject) => {
    const video = document.querySelector("video");
    video.onended = () => resolve([video.videoWidth, video.videoHeight, video.currentTime]);
    video.onerror = () => reject(video.error.message);
    video.playbackRate = 4;
    video.play();
})"""


@pytest.mark.slow
def test_sixty_frames_of_a_moving_camera_play_to_their_end(browser: Browser, tmp_path: Path) -> None:
    sides = [VideoWriter(tmp_path / f"{side}.mkv", RATE) for side in ("ir", "vis")]
    with sides[0], sides[1]:
        for pair in draw_clip("day", FRAMES, DemoSpec(width=160, height=120, supersampling=1)):
            sides[0].write(np.repeat(pair.ir[..., None], 3, axis=2))
            sides[1].write(pair.vis)
    sources = ["--ir", str(sides[0].path), "--vis", str(sides[1].path)]
    out = tmp_path / "fused.webm"
    result = CliRunner().invoke(app, ["fuse", "--method", "laplacian_pyramid", *sources, "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert f"({FRAMES} frames)" in result.output
    (tmp_path / "page.html").write_text(f'<video src="{out.name}" muted></video>')
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    width, height, seconds = page.evaluate(PLAY)
    page.close()
    assert (width, height) == (160, 120)
    assert seconds == pytest.approx(FRAMES / RATE, abs=0.1)
