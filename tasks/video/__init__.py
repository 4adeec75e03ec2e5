"""Video: flicker, warping error by optical flow, and whether the fused clip changes where its sources do."""

from __future__ import annotations

from tasks.video.task import VideoTask

__all__ = ["VideoTask"]
