"""Segmentation: a segmenter is trained anew on every method's fused images, and scored."""
