"""Segmenters: one adapter per file; the segmentation task trains them anew on every method's fused images."""
