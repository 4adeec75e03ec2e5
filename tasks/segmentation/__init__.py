"""Semantic segmentation: a segmenter is trained anew on every method's fused images, and scored."""

from tasks.segmentation.task import SegmentationTask

__all__ = ["SegmentationTask"]
