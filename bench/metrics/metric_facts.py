"""Every metric under its name in the literature: what a table or a report can say about a number."""

from __future__ import annotations

from bench.metrics.facts import Metric
from bench.metrics.packages import packaged_metrics

_VIFB = "Zhang, Ye, Xiao, 2020 (VIFB)"
_VIFB_DOI = "10.1109/CVPRW50498.2020.00060"
_ZOO = "Liu et al., 2024 (IVIF_ZOO)"
_LIU = "Liu, Blasch, Xue, Zhao, Laganiere, Wu, 2012"
_LIU_DOI = "10.1109/TPAMI.2011.109"
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
    Metric(
        "Q_MI", "Normalised mutual information", "Q_MI", "", "higher", 0.0, 2.0,
        "2 I(ir; fused) / (H(ir) + H(fused)) + 2 I(vis; fused) / (H(vis) + H(fused)).",
        "Hossny, Nahavandi, Creighton, 2008", "10.1049/el:20081754", "favours copying one source",
    ),
    Metric(
        "Q_NCIE", "Nonlinear correlation information entropy", "Q_NCIE", "", "higher", 0.8018, 1.0,
        "1 + sum (l / 3) log2(l / 3) / 8 over the eigenvalues of the matrix of mutual informations / 8 bits.",
        "Wang, Shen, Zhang, 2005", "", "all methods lie between 0.80 and 0.82; favours copying one source",
    ),
    Metric(
        "Q_TE", "Tsallis mutual information, normalised", "Q_TE", "", "higher", 0.0, None,
        "[T(ir, fused) + T(vis, fused)] / [H(ir)^q + H(vis)^q + T(ir, vis)], q = 0.43137.",
        "Nava, Cristobal, Escalante-Ramirez, 2007", "", "the released code swaps the marginals and scores 1.3 to 2.5 "
        "times higher",
    ),
    Metric(
        "Q_TE_Cvejic", "Tsallis mutual information, sum", "Q_TE_Cvejic", "", "higher", None, None,
        "T(ir, fused) + T(vis, fused), q = 1.85.",
        "Cvejic, Canagarajah, Bull, 2006", "10.1049/el:20060693", "unbounded",
    ),
    Metric(
        "Q_G", "Gradient preservation", "Q_G", "", "higher", 0.0, 0.9867,
        "Edge strength and orientation kept, weighted by strength at each pixel, mean over the pixels.",
        "Xydeas, Petrovic, 2000, as in Liu et al., 2012", "10.1109/TPAMI.2011.109",
        "not Qabf: flat places count as much as edges",
    ),
    Metric(
        "Q_M", "Wavelet detail preservation", "Q_M", "", "higher", 0.0, 3.0,
        "Haar details of two levels kept, weighted by their energy; a sum over three bands.",
        "Wang, Liu, 2008, as in Liu et al., 2012", "10.1109/TPAMI.2011.109",
        "details a few grey levels off count as lost",
    ),
    Metric(
        "Q_SF", "Spatial frequency error", "Q_SF", "", "higher", -1.0, None,
        "Relative difference of the fused image's spatial frequency to that of the larger source steps.",
        "Zheng, Essock, Hansen, Haun, 2007", "10.1016/j.inffus.2005.04.003",
        "best is 0: the sign says underfused or overfused; noise raises it",
    ),
    Metric(
        "Q_P", "Phase congruency preservation", "Q_P", "", "higher", -1.0, 1.0001,
        "Local correlations of phase congruency and of its two moments with the sources, multiplied.",
        "Zhao, Laganiere, Liu, 2007", "", "blind to the sign of contrast: a negative image scores the same",
    ),
    Metric(
        "Q_S", "Piella's quality, SSIM form", "Q_S", "", "higher", -1.0, 1.0,
        "Mean of the SSIMs with the sources, weighted at each place by their share of variance.",
        "Piella, Heijmans, 2003", "10.1109/ICIP.2003.1247209", "",
    ),
    Metric(
        "Q_W", "Piella's weighted quality, SSIM form", "Q_W", "", "higher", -1.0, 1.0,
        "As Q_S, with places weighted by the larger variance of the sources.",
        "Piella, Heijmans, 2003", "10.1109/ICIP.2003.1247209", "",
    ),
    Metric(
        "Q_E", "Piella's edge-dependent quality, our repair", "Q_E", "", "higher", -1.0, 1.0,
        "Q_W of the images times Q_W of their Prewitt edge strengths.",
        "Piella, Heijmans, 2003", "10.1109/ICIP.2003.1247209",
        "the released code stops with an error; the choice of its missing factor is ours",
    ),
    Metric(
        "Q_C", "Cvejic's quality", "Q_C", "", "higher", -1.0, 1.0,
        "SSIMs with the sources weighted by their local covariances with the fused image.",
        "Cvejic, Loza, Bull, Canagarajah, 2005, as in Liu et al., 2012", "10.1109/TPAMI.2011.109",
        "rounding decides in flat areas: by up to 1.3 %",
    ),
    Metric(
        "Q_Y", "Yang's quality", "Q_Y", "", "higher", -1.0, 1.0,
        "Weighted SSIM where the sources are alike, the better of both elsewhere, 7x7 Gaussian windows.",
        "Yang, Zhang, Wang, Li, 2008", "10.1016/j.inffus.2006.09.001", "",
    ),
    Metric(
        "VIFF", "Visual information fidelity for fusion", "VIFF", "", "higher", 0.0, None,
        "Information kept of the source that the fused image follows less, at each place of three scales.",
        "Han, Cai, Cao, Xu, 2013", "10.1016/j.inffus.2011.08.002",
        "a sum of two plain VIFs is often printed under this name",
    ),
    Metric(
        "CIEDE2000", "Colour difference to the visible image", "CIEDE2000", "", "lower", 0.0, None,
        "Mean CIEDE2000 difference between fused and visible pixels, sRGB, D65.",
        "Sharma, Wu, Dalal, 2005", "10.1002/col.20070", "holds the wanted change of lightness too",
    ),
    Metric(
        "CIEDE2000_p95", "Colour difference to the visible image, 95th percentile", "CIEDE2000_p95", "", "lower",
        0.0, None, "95th percentile of the CIEDE2000 differences between fused and visible pixels.",
        "Sharma, Wu, Dalal, 2005", "10.1002/col.20070", "holds the wanted change of lightness too",
    ),
    Metric(
        "Hue_difference", "Hue difference to the visible image", "Hue_difference", "", "lower", 0.0, None,
        "Mean CIELAB hue difference between fused and visible pixels; grows with their chroma.",
        "CIE 15:2004", "", "a grey fused image has no hue, so no difference: read it with CIEDE2000",
    ),
    Metric(
        "Hue_difference_p95", "Hue difference to the visible image, 95th percentile", "Hue_difference_p95", "",
        "lower", 0.0, None, "95th percentile of the CIELAB hue differences between fused and visible pixels.",
        "CIE 15:2004", "", "a grey fused image has no hue, so no difference: read it with CIEDE2000",
    ),
    Metric(
        "BRISQUE", "Blind image spatial quality", "BRISQUE", "", "lower", None, None,
        "Regression on normalised luma statistics, without a reference; by the optional package piq.",
        "Mittal, Moorthy, Bovik, 2012", "10.1109/TIP.2012.2214050", "trained on photographs, never on fused images",
    ),
    Metric(
        "NMI", "Mutual information over source entropies (IVIF_ZOO)", "Q_MI", "", "higher", 0.0, 2.0,
        "2 [I(ir; fused) + I(vis; fused)] / [H(ir) + H(vis)].", _ZOO, "", "the fused image's entropy is missing",
    ),
    Metric(
        "QNCIE", "Linear correlation entropy (IVIF_ZOO)", "Q_NCIE", "", "higher", 0.8018, 1.0,
        "1 + sum (l / 3) log2(l / 3) / 8 over the eigenvalues of the matrix of Pearson correlations.",
        _ZOO, "", "linear, where the published measure is nonlinear", spelling_of="Q_NCIE",
    ),
    Metric(
        "TE", "Entropy difference (IVIF_ZOO)", "TE", "bit", "higher", -8.0, 16.0,
        "H(ir) + H(vis) - H(fused).", _ZOO, "", "called Tsallis entropy, which it is not; rewards losing entropy",
    ),
    Metric(
        "EI", "Edge intensity (IVIF_ZOO)", "Edge_intensity", "grey level", "higher", 0.0, 1443.0,
        "Mean Sobel gradient strength with a black frame.", _ZOO, "", "noise raises it",
    ),
    Metric(
        "Qy", "Yang's quality under a slanted window (IVIF_ZOO)", "Q_Y", "", "higher", None, None,
        "As Q_Y under a window that sums to 7.", _ZOO, "", "its variances are mostly negative",
        spelling_of="Q_Y",
    ),
    Metric(
        "Q_CB", "Chen-Blum quality (Liu et al.)", "Qcb", "", "higher", 0.0, 1.0,
        "Contrast preservation after a contrast sensitivity filter, weighted by local saliency.", _LIU, _LIU_DOI,
        spelling_of="Qcb",
    ),
    Metric(
        "Q_CV", "Chen-Varshney quality (Liu et al.)", "Qcv", "squared grey level", "lower", 0.0, None,
        "Perceptually filtered squared error of 16x16 blocks, weighted by edge saliency.", _LIU, _LIU_DOI,
        "saliency is a fifth power: a few blocks decide the value", spelling_of="Qcv",
    ),
    Metric(
        "Q_E_repaired", "Piella's edge-dependent quality (Liu et al.), our repair", "Q_E", "", "higher", -1.0, 1.0,
        "Q_W of the images times Q_W of their Prewitt edge strengths.", _LIU, _LIU_DOI,
        "the released code stops with an error; the choice of its missing factor is ours", spelling_of="Q_E",
    ),
)  # fmt: skip

BUILT_IN: dict[str, Metric] = {metric.name: metric for metric in _ALL}
"""The suite's own metrics by name, in table order."""

METRICS: dict[str, Metric] = {
    **BUILT_IN,
    **{name: found.facts for name, found in packaged_metrics().items() if name not in BUILT_IN},
}
"""All metrics by name: the suite's own, then those of other packages."""
