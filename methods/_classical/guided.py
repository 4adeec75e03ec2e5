"""Guided filter, and fusion with weights that it smooths.

References:
    [1] Li, Kang, Hu: Image fusion with guided filtering, IEEE TIP 22(7), 2013, doi:10.1109/TIP.2013.2244222.
    [2] He, Sun, Tang: Guided image filtering, IEEE TPAMI 35(6), 2013, doi:10.1109/TPAMI.2012.213.
"""

from __future__ import annotations

import cv2
import numpy as np

from methods._classical.planes import Plane

# section IV of [1]
BASE_WINDOW = 31
SALIENCY_WINDOW, SALIENCY_SIGMA = 11, 5.0
BASE_RADIUS, BASE_EPSILON = 45, 0.3
DETAIL_RADIUS, DETAIL_EPSILON = 7, 1e-6


def fuse_gff(ir: Plane, vis: Plane) -> Plane:
    """Fuses two scales with saliency weights: float64 (H, W) in [0, 1] each; the result may leave that range."""
    ir_salient = (_saliency(ir) >= _saliency(vis)).astype(np.float64)
    fused = np.zeros_like(vis)
    ir_base, vis_base = (_blur(image, BASE_WINDOW) for image in (ir, vis))
    for radius, epsilon, ir_layer, vis_layer in (
        (BASE_RADIUS, BASE_EPSILON, ir_base, vis_base),
        (DETAIL_RADIUS, DETAIL_EPSILON, ir - ir_base, vis - vis_base),
    ):
        ir_weight = np.clip(guided_filter(ir, ir_salient, radius, epsilon), 0.0, 1.0)
        vis_weight = np.clip(guided_filter(vis, 1.0 - ir_salient, radius, epsilon), 0.0, 1.0)
        total = ir_weight + vis_weight
        share = np.divide(ir_weight, total, out=np.full_like(total, 0.5), where=total > 0)
        fused += vis_layer + share * (ir_layer - vis_layer)
    return fused


def _saliency(image: Plane) -> Plane:
    edges = np.abs(cv2.Laplacian(image, cv2.CV_64F, borderType=cv2.BORDER_REPLICATE))
    window = (SALIENCY_WINDOW, SALIENCY_WINDOW)
    return cv2.GaussianBlur(edges, window, SALIENCY_SIGMA, borderType=cv2.BORDER_REPLICATE)


def _blur(image: Plane, window: int) -> Plane:
    return cv2.blur(image, (window, window), borderType=cv2.BORDER_REPLICATE)


def guided_filter(guide: Plane, image: Plane, radius: int, epsilon: float) -> Plane:
    """Smooths ``image`` but keeps the edges of ``guide``: the best local linear function of the guide, averaged.

    Algorithm 1 of [2]; windows are cut at the border.

    Args:
        guide: (H, W).
        image: the same size.
        radius: windows are ``2 radius + 1`` wide.
        epsilon: variance of the guide below which it is taken for flat.
    """
    window = (2 * radius + 1, 2 * radius + 1)

    def total(values: Plane) -> Plane:
        return cv2.boxFilter(values, -1, window, normalize=False, borderType=cv2.BORDER_CONSTANT)

    pixels = total(np.ones_like(guide))
    guide_mean, image_mean = total(guide) / pixels, total(image) / pixels
    covariance = total(guide * image) / pixels - guide_mean * image_mean
    variance = total(guide * guide) / pixels - guide_mean * guide_mean
    slope = covariance / (variance + epsilon)
    offset = image_mean - slope * guide_mean
    return total(slope) / pixels * guide + total(offset) / pixels
