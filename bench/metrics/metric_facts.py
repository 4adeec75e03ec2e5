"""Every metric under its name in the literature: what a table or a report can say about a number."""

from __future__ import annotations

from bench.metrics.facts import Metric

_VIFB = "Zhang, Ye, Xiao, 2020 (VIFB)"
_VIFB_DOI = "10.1109/CVPRW50498.2020.00060"
_FMI = "Haghighat, Aghagolzadeh, Seyedarabi, 2011; Haghighat, Razian, 2014 (Fast-FMI)"
_FMI_DOI = "10.1016/j.compeleceng.2011.07.012"
_FMI_DEFECT = "the choice of features moves it more than the choice of method does"


def _fmi(name: str, feature: str) -> Metric:
    return Metric(
        name=name, title=f"Feature mutual information ({feature})", idea=name,
        unit="", better="higher", low=None, high=None,
        definition=f"Normalised mutual information of {feature} in 3x3 windows, mean over windows and sources.",
        source=_FMI, doi=_FMI_DOI, defects=_FMI_DEFECT,
    )  # fmt: skip


_ALL = (
    Metric(
        "EN", "Entropy", "EN", "bit", "higher", 0.0, 8.0,
        "Shannon entropy of the fused image's 256-bin histogram.",
        "Roberts, van Aardt, Ahmed, 2008", "10.1117/1.2945910",
        "noise raises it; it never looks at the sources",
    ),
    Metric(
        "MI", "Mutual information", "MI", "bit", "higher", 0.0, 16.0,
        "I(ir; fused) + I(vis; fused) from 256 x 256 joint histograms: the sum over both sources.",
        "Qu, Zhang, Yan, 2002", "10.1049/el:20020212",
        "papers give bits or nats, sums or means; favours copying one source",
    ),
    Metric(
        "VIF", "Visual information fidelity, pixel domain", "VIF", "", "higher", 0.0, None,
        "VIF(ir, fused) + VIF(vis, fused), four scales, noise variance 2: the sum over both sources.",
        "Sheikh, Bovik, 2006", "10.1109/TIP.2005.859378",
        "three metrics of the literature carry this name: this one as sum or as mean, the wavelet one, and VIFF; "
        "rewards contrast beyond the source's",
    ),
    Metric(
        "SF", "Spatial frequency", "SF", "grey level", "higher", 0.0, 360.7,
        "Root of the mean squared horizontal plus the mean squared vertical difference of neighbours.",
        "Eskicioglu, Fisher, 1995", "10.1109/26.477498",
        "noise raises it; 255 times smaller where images are scaled to 0..1",
    ),
    Metric(
        "SD", "Standard deviation", "SD", "grey level", "higher", 0.0, 127.5,
        "Population standard deviation of the fused levels.",
        "Rao, 1997 (usually cited; does not define it)", "10.1088/0957-0233/8/4/002",
        "a contrast stretch raises it; papers before 2023 often give a uint8 artefact of 8 to 11 under this name",
    ),
    Metric(
        "Qabf", "Edge preservation", "Qabf", "", "higher", 0.0, 0.9754,
        "How much of the sources' edge strength and orientation survives, weighted by source edge strength.",
        "Xydeas, Petrovic, 2000", "10.1049/el:20000267",
        "identical images give 0.9748, not 1; the common code scores equal edges as a loss on 0..1 images",
    ),
    Metric(
        "AG", "Average gradient", "AG", "grey level", "higher", 0.0, 255.0,
        "Mean of sqrt((dx^2 + dy^2) / 2) of the fused levels.",
        "Cui et al., 2015", "10.1016/j.optcom.2014.12.032", "noise raises it",
    ),
    Metric(
        "CC", "Correlation coefficient", "CC", "", "higher", -1.0, 1.0,
        "Mean of Pearson's r between each source and the fused image.",
        "Deshmukh, Bhosale, 2010 (usually cited)", "", "the plain average of the sources is hard to beat",
    ),
    Metric(
        "SCD", "Sum of the correlations of differences", "SCD", "", "higher", -2.0, 2.0,
        "r(fused - vis, ir) + r(fused - ir, vis).",
        "Aslantas, Bendes, 2015", "10.1016/j.aeue.2015.09.004", "stretching the contrast of an average raises it",
    ),
    Metric(
        "MSE", "Mean squared error", "MSE", "squared grey level", "lower", 0.0, 65025.0,
        "Mean of the two mean squared errors against the sources.",
        "Jagalingam, Hegde, 2015", "10.1016/j.aqpro.2015.02.019", "the plain average of the sources is the best",
    ),
    Metric(
        "PSNR", "Peak signal-to-noise ratio", "PSNR", "dB", "higher", 0.0, None,
        "10 log10(255^2 / MSE), MSE the mean over both sources.",
        "Jagalingam, Hegde, 2015", "10.1016/j.aqpro.2015.02.019",
        "the plain average of the sources is the best; common code is 48.13 dB too high",
    ),
    Metric(
        "SSIM", "Structural similarity", "SSIM", "", "higher", -1.0, 1.0,
        "Mean of SSIM(ir, fused) and SSIM(vis, fused), Gaussian window 11, sigma 1.5, range 255.",
        "Wang, Bovik, Sheikh, Simoncelli, 2004", "10.1109/TIP.2003.819861",
        "common codes give sums, means, a wrong data range, or another index (MEF) under this name",
    ),
    Metric(
        "MS_SSIM", "Multi-scale structural similarity", "MS_SSIM", "", "higher", 0.0, 1.0,
        "Mean of two 5-scale MS-SSIMs against the sources.",
        "Wang, Simoncelli, Bovik, 2003", "10.1109/ACSSC.2003.1292216",
        "the common MATLAB code gives a 3-scale MEF index under this name",
    ),
    Metric(
        "MEF_SSIM", "Structure index for multi-exposure fusion", "MEF_SSIM", "", "higher", -1.0, 1.0,
        "Similarity of the fused patches to the desired patch built from both sources, 11x11 windows, one scale.",
        "Ma, Zeng, Wang, 2015", "10.1109/TIP.2015.2442920", "made for exposures of one scene, not for two sensors",
    ),
    Metric(
        "MEF_MS_SSIM", "Multi-scale structure index for multi-exposure fusion", "MEF_MS_SSIM", "", "higher", 0.0, 1.0,
        "The MEF structure index at three scales, weighted product.",
        "Ma, Zeng, Wang, 2015", "10.1109/TIP.2015.2442920", "made for exposures of one scene, not for two sensors",
    ),
    Metric(
        "Nabf", "Fusion artefacts", "Nabf", "", "lower", 0.0, 1.0,
        "Weighted share of edges that are stronger in the fused image than in both sources.",
        "Petrovic, Xydeas, 2005; Shreyamsha Kumar, 2013", "10.1109/ICCV.2005.175",
        "on 0..1 images its edge weights are switched off",
    ),
    _fmi("FMI_pixel", "pixels"),
    _fmi("FMI_raw", "raw levels"),
    _fmi("FMI_gradient", "horizontal gradients"),
    _fmi("FMI_edge", "binary Sobel edges"),
    _fmi("FMI_dct", "the image's cosine transform"),
    _fmi("FMI_wavelet", "one level of discrete Meyer wavelets"),
    Metric(
        "Qcb", "Chen-Blum quality", "Qcb", "", "higher", 0.0, 1.0,
        "Contrast preservation after a contrast sensitivity filter, weighted by local saliency.",
        "Chen, Blum, 2009", "10.1016/j.imavis.2007.12.002", "",
    ),
    Metric(
        "Qcv", "Chen-Varshney quality", "Qcv", "squared grey level", "lower", 0.0, None,
        "Perceptually filtered squared error of 16x16 blocks, weighted by edge saliency.",
        "Chen, Varshney, 2007", "10.1016/j.inffus.2005.10.001",
        "saliency is a fifth power: a few blocks decide the value",
    ),
    Metric(
        "CE", "Cross entropy", "CE", "bit", "lower", None, None,
        "Mean over the sources of sum p log2(p / q) over levels that both histograms hold.",
        "Bulanon, Burks, Alchanatis, 2009", "10.1016/j.biosystemseng.2009.02.009",
        "levels missing in the fused image are left out, so it can be negative",
    ),
    Metric(
        "Avg_gradient", "Average gradient (VIFB)", "AG", "grey level", "higher", 0.0, None,
        "Sum of sqrt((dx^2 + dy^2) / 2) divided by (H - 1)(W - 1).", _VIFB, _VIFB_DOI, "noise raises it",
    ),
    Metric(
        "Cross_entropy", "Cross entropy (VIFB)", "CE", "bit", "lower", None, None,
        "Mean over the sources of sum p log2(p / q) over levels that both histograms hold.", _VIFB, _VIFB_DOI,
        "levels missing in the fused image are left out, so it can be negative",
    ),
    Metric(
        "Edge_intensity", "Edge intensity (VIFB)", "Edge_intensity", "grey level", "higher", 0.0, 1443.0,
        "Mean Sobel gradient strength.", _VIFB, _VIFB_DOI, "noise raises it",
    ),
    Metric(
        "Entropy", "Entropy (VIFB)", "EN", "bit", "higher", 0.0, 8.0,
        "Shannon entropy of the 256-bin histogram.", _VIFB, _VIFB_DOI, "noise raises it",
    ),
    Metric(
        "Mutinf", "Mutual information (VIFB)", "MI", "nat", "higher", 0.0, 11.0904,
        "I(vis; fused) + I(ir; fused) of min-max stretched images.", _VIFB, _VIFB_DOI,
        "the stretch lets a single bright pixel change it",
    ),
    Metric(
        "Psnr", "Peak signal-to-noise ratio (VIFB)", "PSNR", "dB", "higher", None, None,
        "20 log10(255 / sqrt(Rmse)) with Rmse in place of an MSE.", _VIFB, _VIFB_DOI,
        "depends on the image size; not a PSNR",
    ),
    Metric(
        "Rmse", "Root mean squared error (VIFB)", "MSE", "", "lower", 0.0, None,
        "Mean over the sources of sqrt(sum d^2) / (H W).", _VIFB, _VIFB_DOI,
        "the true RMSE divided by sqrt(H W): depends on the image size",
    ),
    Metric(
        "Spatial_frequency", "Spatial frequency (VIFB)", "SF", "grey level", "higher", 0.0, None,
        "Root of the mean squared differences, the three channels side by side.", _VIFB, _VIFB_DOI,
        "counts the seams between the channels",
    ),
    Metric(
        "Ssim", "Structural similarity (VIFB)", "SSIM", "", "higher", -2.0, 2.0,
        "SSIM(vis, fused) + SSIM(ir, fused), Gaussian window 11, sigma 1.5, range 255.", _VIFB, _VIFB_DOI, "",
    ),
    Metric(
        "Variance", "Variance (VIFB)", "SD", "grey level", "higher", 0.0, 127.5,
        "Population standard deviation, in spite of its name.", _VIFB, _VIFB_DOI, "a contrast stretch raises it",
    ),
)  # fmt: skip

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
"""All metrics by name, in table order."""
