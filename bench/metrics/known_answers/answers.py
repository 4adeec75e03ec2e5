"""The known answers; those on images I stand in the sheet of the field's conventions, the others are our own."""

from __future__ import annotations

from math import exp, log, log2, log10, sqrt

from bench.metrics.known_answers.derivations import (
    CVEJIC,
    EDGE_50,
    NAVA,
    QA,
    QN,
    WANG,
    clipped_stripes_vif,
    eig,
    grey_ciede2000,
    guarded_qcb,
    half_turned_qcb,
    impulse_q_e,
    lum,
    one_pixel_qy,
    one_pixel_vif,
    parity,
    red_green_hue,
    small_edge_qabf,
    stripes_check_qcv,
    stripes_ssim,
    stripes_vif,
    tsallis,
)  # fmt: skip
from bench.metrics.known_answers.facts import ALL_FIVE, LEVELS, Answer

_S, _SEA, _TANG, _CDD, _VIFB, _ZOO, _LIU = (
    (name,) for name in ("standard", "seafusion2022", "tang2023", "cddfuse", "vifb", "ivif_zoo", "liu2012")
)
_MATLAB = (*_SEA, *_TANG)
_PLAIN_EN = ("standard", "seafusion2022", "tang2023", "cddfuse")
_BITS = ("standard", "seafusion2022", "tang2023", "ivif_zoo")
_BOTH = (*_S, *_LIU)
_SHARED = 0.75 * log2(3.0) - 1.0  # bits through a binary channel with error 1/4
_VIF_HALF = stripes_vif(0.5, 100.0, 2.0)
_VIFF_HALF = stripes_vif(0.5, 100.0, 0.005 * 255.0**2)
_SPREAD = parity(11, 1.5)[0] * parity(11, 1.5)[1] * 1e4
_NORM = 1.0 + 0.001 / sqrt(3e5)
_MEF = (4.0 * _NORM * _SPREAD + WANG[1]) / ((_NORM**2 + 4.0) * _SPREAD + WANG[1])
_GAIN_2 = "fused = 2 x source: every window stretches to the same one, so its mutual information is its entropy"
_SAME = "identical images"

INFORMATION = (
    Answer("EN", _PLAIN_EN, "I1", 0.0, "one level, p = 1"),
    Answer("EN", _PLAIN_EN, "I2", 1.0, "two levels, 1/2 each"),
    Answer("EN", _PLAIN_EN, "I5", 8.0, "256 levels, 1/256 each"),
    Answer("EN", _PLAIN_EN, "I6", 1.5, "p = 1/2, 1/4, 1/4: 1/2 + 2 (2/4)"),
    Answer("EN", _PLAIN_EN, "I7", 12.0 - 4095.0 / 4096.0 * log2(4095.0), "p = 1/4096 and 4095/4096"),
    Answer("EN", _ZOO, "I5", -log2(1.0 / 256.0 + 1e-7), "256 equal terms, each logarithm shifted by 1e-7"),
    Answer("EN", _ZOO, "I2", -log2(0.5 + 1e-7), "two equal terms, each logarithm shifted by 1e-7"),
    Answer("Entropy", _VIFB, "I6", 1.5, "mean of 3 equal channels"),
    Answer("Entropy", _VIFB, "I2", 1.0, "mean of 3 equal channels"),
    Answer("Entropy", _VIFB, "K5", 1.0 / 3.0, "1 bit in red, 0 in green and blue"),
    Answer("MI", _BITS, "I2", 2.0, "1 bit from each source"),
    Answer("MI", _CDD, "I2", 2.0 * log(2.0), "the same in nats"),
    Answer("MI", _BITS, "I3", 1.0, "ir = fused: 1 bit; vis independent: 0"),
    Answer("MI", _BITS, "I4", 2.0, "each source is one of the two bits of fused"),
    Answer("MI", (*_BITS, *_CDD), "I8", 0.0, "a constant image tells nothing"),
    Answer("MI", _BITS, "I9", 2.0 * _SHARED, "binary channel with error 1/4: 1 - h(1/4) from each source"),
    Answer("MI", _CDD, "I9", 2.0 * log(2.0) * _SHARED, "the same in nats"),
    Answer("MI", (*_S, *_ZOO), "I10", 2.0, "full joint histogram"),
    Answer("MI", _MATLAB, "I10", 4.0, "254 and 255 share the joint bin: joint entropy 0, marginals 1 + 1, per source"),
    Answer("MI", _MATLAB, "I11", 4.0, "the same slip: independent images score twice the entropy"),
    Answer("MI", (*_S, *_ZOO), "I11", 0.0, "independent"),
    Answer("MI", _MATLAB, "I12", 5.0, "H = 2; joint p = 1/4, 1/4, 1/2: 1.5; 2 (2 + 2 - 1.5)"),
    Answer("MI", (*_S, *_ZOO), "I12", 4.0, "2 H"),
    Answer("Mutinf", _VIFB, "I9", 2.0 * log(2.0) * _SHARED, "the stretch does not change two-level images; nats"),
    Answer("Mutinf", _VIFB, "I2", 2.0 * log(2.0), "1 bit from each source, in nats"),
    Answer("NMI", _ZOO, "I2", 2.0, "2 (1 + 1) / (1 + 1)", 2e-9),
    Answer("NMI", _ZOO, "I3", 1.0, "2 (1 + 0) / (1 + 1)", 2e-9),
    Answer("NMI", _ZOO, "I4", 2.0, "2 (1 + 1) / (1 + 1): H(fused) = 2 does not enter", 2e-9),
    Answer("Q_MI", _BOTH, "I2", 2.0, "2 (1/2 + 1/2)"),
    Answer("Q_MI", _BOTH, "I3", 1.0, "2 (1 / (1 + 1) + 0)"),
    Answer("Q_MI", _BOTH, "I4", 4.0 / 3.0, "2 (1 / (1 + 2) + 1 / (1 + 2))"),
    Answer("Q_MI", _BOTH, "I9", 2.0 * _SHARED, "2 x 2 I / (1 + 1), I = 1 - h(1/4)"),
    Answer(
        "Q_NCIE", _BOTH, "I2", eig(1.25, 0.875, 0.875), "all r = 1/8 (1 bit of 8): eigenvalues 1 + 2/8, 1 - 1/8 twice"
    ),
    Answer("Q_NCIE", _BOTH, "I3", eig(1.0, 1.125, 0.875), "only r(ir, fused) = 1/8: eigenvalues 1, 1 +- 1/8"),
    Answer("Q_NCIE", _BOTH, "I13", 1.0 - log2(3.0) / 8.0, "three independent images: the identity matrix"),
    Answer("QNCIE", _ZOO, "I13", 1.0 - log2(3.0) / 8.0, "three uncorrelated images"),
    Answer("QNCIE", _ZOO, "I14", eig(1.0, 1.5, 0.5), "r(ir, fused) = 3/4 - 1/4, others 0: eigenvalues 1, 1 +- 1/2"),
    Answer(
        "Q_TE",
        _BOTH,
        "I2",
        2.0 * tsallis(2.0 ** (NAVA - 1.0), NAVA) / (2.0 + tsallis(2.0 ** (NAVA - 1.0), NAVA)),
        "T = (1 - 2^(q - 1)) / (1 - q) of all three pairs, H = 1 bit",
    ),
    Answer(
        "Q_TE", _BOTH, "I3", tsallis(2.0 ** (NAVA - 1.0), NAVA) / 2.0, "T of ir and fused over 1 + 1; vis independent"
    ),
    Answer(
        "Q_TE",
        _S,
        "I4",
        tsallis(2.0 ** (NAVA - 1.0), NAVA),
        "4 cells of 1/4 against 1/8: 2^(q - 1) per source, over 1 + 1",
    ),
    Answer(
        "Q_TE",
        _LIU,
        "I4",
        tsallis(2.0 ** (NAVA - 2.0), NAVA),
        "swapped marginals: only the cells 0, 0 and 255, 255 have one, so half of the sum is lost",
    ),
    Answer("Q_TE_Cvejic", _LIU, "I2", 2.0 * (2.0**0.85 - 1.0) / 0.85, "T = (1 - 2^(q - 1)) / (1 - q), q = 1.85"),
    Answer("Q_TE_Cvejic", _LIU, "I3", (2.0**0.85 - 1.0) / 0.85, "vis independent: 0"),
    Answer(
        "Q_TE_Cvejic", _LIU, "I4", 2.0 * tsallis(2.0 ** (CVEJIC - 2.0), CVEJIC), "swapped: half of the cells are lost"
    ),
    Answer("TE", _ZOO, "I2", 1.0, "1 + 1 - 1", 2e-9),
    Answer("TE", _ZOO, "I4", 0.0, "1 + 1 - 2", 2e-9),
    Answer("TE", _ZOO, "I8", 2.0, "1 + 1 - 0", 2e-9),
    Answer("CE", _S, "I39", 1.0 - 0.5 * log2(3.0), "0.5 log2(0.5 / 0.25) + 0.5 log2(0.5 / 0.75)"),
    Answer("CE", _S, "J12", -0.5, "levels 0 and 255 are shared: 2 (1/4) log2((1/4) / (1/2)); negative"),
    Answer("Cross_entropy", _VIFB, "I39", 1.0 - 0.5 * log2(3.0), "the same, mean of 3 equal channels"),
    Answer("Cross_entropy", _VIFB, "J12", -0.5, "the same, mean of 3 equal channels"),
    Answer("CE", _ZOO, "I40", log(2.0), "s(0) = 1/2: t = p = 1/2"),
    Answer("CE", _ZOO, "I41", 0.5 * 2.0**-23 + 11.5 * log(2.0), "t = 1/2, p = 1 - 2^-23: -(ln p + ln(1 - p)) / 2"),
    Answer("CE", _ZOO, "I27", 2.0**-23 * (1.0 + 23.0 * log(2.0)), "levels above 16: t = p = 1 - 2^-23", 1e-12),
)

ACTIVITY = (
    Answer("SF", LEVELS, "I15", 100.0, "every horizontal difference is 100, no vertical one"),
    Answer("SF", _SEA, "I15", 100.0 / 255.0, "unit range"),
    Answer("SF", _SEA, "I16", 100.0 / 255.0 * sqrt(2.0), "unit range, both directions"),
    Answer("Spatial_frequency", _VIFB, "I15", 100.0 * sqrt(191.0 / 192.0), "191 differences per row of 192 pixels"),
    Answer(
        "Spatial_frequency",
        _VIFB,
        "I17",
        sqrt((189.0 + 2.0 * 63.0**2) / 192.0),
        "189 steps of 1 and 2 seams of 63 per row",
    ),
    Answer("SF", LEVELS, "I16", 100.0 * sqrt(2.0), "both directions"),
    Answer("SF", LEVELS, "I17", 1.0, "slope 1"),
    Answer("SF", LEVELS, "I2", 150.0 / sqrt(63.0), "one step of 150 among 63 differences"),
    Answer("SF", LEVELS, "I7", 200.0 * sqrt(4.0 / 4032.0), "2 + 2 differences of 200 among 64 x 63 each way"),
    Answer("SD", LEVELS, "I21", 127.5, "half the range"),
    Answer("SD", _SEA, "I21", sqrt(127.5), "255 - 127.5 = 127.5 -> 128, square -> 255; the dark half -> 0"),
    Answer("SD", LEVELS, "I22", 5.0, "half the range"),
    Answer("SD", _SEA, "I22", sqrt(12.5), "only the upper half counts: 25 / 2"),
    Answer("SD", LEVELS, "I5", sqrt((256.0**2 - 1.0) / 12.0), "discrete uniform"),
    Answer(
        "SD", _SEA, "I5", sqrt((1240.0 + 113.0 * 255.0) / 256.0), "1..128 above the mean; squares 1..225, 113 clipped"
    ),
    Answer("SD", LEVELS, "I7", 200.0 * sqrt(4095.0) / 4096.0, "v sqrt(n - 1) / n"),
    Answer("SD", LEVELS, "K5", 38.0, "red 255 is grey 76 in every conversion; half the range"),
    Answer("Variance", _VIFB, "K5", 42.5, "127.5 in red, 0 in green and blue"),
    Answer("Variance", _VIFB, "I22", 5.0, "a standard deviation in spite of its name"),
    Answer("Variance", _VIFB, "I21", 127.5, "half the range"),
    Answer("AG", ("standard", "cddfuse", "ivif_zoo"), "I17", 1.0 / sqrt(2.0), "gx = 1, gy = 0 everywhere"),
    Answer("AG", _MATLAB, "I17", 4096.0 / 3969.0 / sqrt(2.0), "the same sum divided by 63 x 63"),
    Answer("Avg_gradient", _VIFB, "I17", 4096.0 / 3969.0 / sqrt(2.0), "the sum over 64 x 64 divided by 63 x 63"),
    Answer("Avg_gradient", _VIFB, "I15", 2.0 * 64.0 * 100.0 / sqrt(2.0) / 3969.0, "centred: only the 2 end columns"),
    Answer("AG", _S, "I18", 1.0, "gx = gy = 1"),
    Answer("AG", _S, "I15", 100.0 / sqrt(2.0), "forward differences +-100"),
    Answer(
        "AG", _S, "I7", 200.0 * (1.0 + sqrt(2.0)) / 3969.0, "both at the pixel, one at its left and upper neighbour"
    ),
    Answer(
        "AG", (*_CDD, *_ZOO), "I15", 100.0 * sqrt(2.0) / 64.0, "centred differences vanish but in the 2 end columns"
    ),
    Answer("AG", _MATLAB, "I15", 2.0 * 64.0 * 100.0 / sqrt(2.0) / 3969.0, "the same sum divided by 63 x 63"),
    Answer(
        "AG",
        (*_CDD, *_ZOO),
        "I16",
        (248.0 / sqrt(2.0) + 4.0) * 100.0 / 4096.0,
        "248 frame pixels have one, 4 corners both",
    ),
    Answer(
        "EI", _ZOO, "I1", (12.0 * sqrt(2.0) + 4.0 * 248.0) * 100.0 / 4096.0, "black frame: corners 3 sqrt 2, others 4"
    ),
    Answer("EI", _ZOO, "I7", 200.0 * (4.0 * sqrt(2.0) + 8.0) / 4096.0, "4 diagonal neighbours sqrt 2, 4 others 2"),
    Answer("Edge_intensity", _VIFB, "I17", 7.875, "frame repeated: 8 inside, 4 in the 2 end columns"),
    Answer("Edge_intensity", _VIFB, "I15", 12.5, "0 inside, 400 in the 2 end columns: 800 / 64"),
    Answer("Q_SF", _LIU, "I2", 0.0, "S(fused) = S(reference)"),
    Answer("Q_SF", _LIU, "I8", -1.0, "S(fused) = 0"),
    Answer("Q_SF", _LIU, "I20", 1.0, "S(fused) = 2 S(reference)"),
    Answer(
        "Q_SF", _LIU, "I19", sqrt(8064.0 / (4032.0 + sqrt(2.0) * 3969.0)) - 1.0, "a chessboard has no diagonal step"
    ),
)

ERRORS = (
    Answer("MSE", (*_S, *_CDD), "I23", 100.0, "(10^2 + 10^2) / 2"),
    Answer("MSE", (*_MATLAB, *_ZOO), "I23", 100.0 / 65025.0, "unit range"),
    Answer("MSE", (*_S, *_CDD), "I27", 2500.0, "50^2"),
    Answer("MSE", (*_MATLAB, *_ZOO), "I27", 2500.0 / 65025.0, "unit range"),
    Answer("MSE", (*_S, *_CDD), "I28", (67.0**2 + 123.0**2) / 2.0, "67 from one source, 123 from the other"),
    Answer("PSNR", _S, "I23", 10.0 * log10(65025.0 / 100.0), "peak 255"),
    Answer("PSNR", _S, "I27", 10.0 * log10(65025.0 / 2500.0), "peak 255"),
    Answer("PSNR", (*_MATLAB, *_ZOO), "I23", 20.0 * log10(255.0 / sqrt(100.0 / 65025.0)), "peak 255, unit-range error"),
    Answer(
        "PSNR", (*_MATLAB, *_ZOO), "I27", 20.0 * log10(255.0 / sqrt(2500.0 / 65025.0)), "peak 255, unit-range error"
    ),
    Answer("PSNR", _CDD, "I23", 10.0 * log10(110.0**2 / 100.0), "peak = largest fused level"),
    Answer("PSNR", _CDD, "I27", 0.0, "peak 50, error 50^2"),
    Answer("Rmse", _VIFB, "I23", 10.0 / 64.0, "10 / sqrt(64 x 64)"),
    Answer("Rmse", _VIFB, "I27", 50.0 / 64.0, "50 / sqrt(64 x 64)"),
    Answer("Psnr", _VIFB, "I23", 20.0 * log10(255.0 / sqrt(10.0 / 64.0)), "Rmse in place of the MSE"),
    Answer("Psnr", _VIFB, "I27", 20.0 * log10(255.0 / sqrt(50.0 / 64.0)), "Rmse in place of the MSE"),
    Answer("CC", ALL_FIVE, "I24", 0.0, "r = 1 and -1"),
    Answer("CC", ALL_FIVE, "I2", 1.0, _SAME),
    Answer(
        "CC", ALL_FIVE, "I26", 1.0 / sqrt(2.0), "mean of two independent images of equal variance: r = 1/sqrt 2 each"
    ),
    Answer("CC", ALL_FIVE, "I9", 0.5, "agree in 3/4, opposite in 1/4"),
    Answer("SCD", ALL_FIVE, "I25", 2.0, "fused - vis = ir and fused - ir = vis"),
    Answer("SCD", ALL_FIVE, "I26", sqrt(2.0), "fused - vis = (ir - vis) / 2, r with ir 1/sqrt 2; so the other way"),
    Answer("SCD", ALL_FIVE, "I8", -2.0, "fused - vis = const - ir: r = -1, twice"),
)

STRUCTURE = (
    Answer("SSIM", (*_S, *_TANG), "I2", 1.0, _SAME),
    Answer("SSIM", (*_CDD, *_ZOO), "I42", 2.0, "identical, sum of two"),
    Answer("SSIM", _S, "I27", lum(100.0, 50.0, WANG[0]), "only the luminance term; C1 = 2.55^2"),
    Answer("SSIM", _S, "I20", stripes_ssim(11, 100.0, 200.0, WANG), "stripes at twice the contrast, both parities"),
    Answer("SSIM", _TANG, "I27", lum(100.0, 50.0, 1e-4), "C1 = 0.01^2; mean of two"),
    Answer("SSIM", _CDD, "I27", 2.0 * lum(100.0, 50.0, 4e-4), "C1 = 0.02^2; sum of two"),
    # beside C2 = 0.03^2 the rounding of E[x^2] - E[x]^2 = 0 at 100 shows, 1.8e-12 at a time
    Answer("SSIM", _ZOO, "I27", 2.0 * lum(100.0, 50.0, 1e-4), "C1 = 0.01^2; sum of two", 2e-8),
    Answer("SSIM", _ZOO, "I20", 2.0 * stripes_ssim(11, 100.0, 200.0, (1e-4, 9e-4)), "stripes at twice the contrast"),
    Answer("SSIM", _SEA, "I28", 1.0, "the MEF index has no luminance term: flat patches score C / C"),
    Answer("SSIM", _SEA, "I42", 1.0, "the desired patch is the patch, up to the 0.001 in its norm"),
    Answer("SSIM", _SEA, "I20", _MEF, "(4 s v + C) / ((s^2 + 4) v + C), s = 1 + 0.001 / norm of the patch"),
    Answer(
        "SSIM",
        _CDD,
        "I29",
        2.0 * (24.0 / 49.0 * 1e4 + 4e-4) / (25.0 / 49.0 * 1e4 + 4e-4) * (-5000.0 + 3.6e-3) / (5000.0 + 3.6e-3),
        "7x7 means 300/7 and 400/7; sample variance (12/49)(49/48) 100^2, covariance its negative",
    ),
    Answer("Ssim", _VIFB, "I27", 2.0 * lum(100.0, 50.0, WANG[0]), "sum of two"),
    Answer(
        "Ssim", _VIFB, "I20", 2.0 * stripes_ssim(11, 100.0, 200.0, WANG), "stripes at twice the contrast, sum of two"
    ),
    Answer("MEF_SSIM", _S, "I28", 1.0, "no luminance term"),
    Answer("MEF_SSIM", _S, "I20", _MEF, "(4 s v + C) / ((s^2 + 4) v + C), s = 1 + 0.001 / norm of the patch"),
    Answer("MEF_MS_SSIM", _S, "I20", _MEF ** (0.0448 / 0.6305), "coarser scales see no stripes: C / C"),
    Answer("MEF_MS_SSIM", _S, "I28", 1.0, "no luminance term"),
    Answer("MS_SSIM", _MATLAB, "I20", _MEF ** (0.0448 / 0.6305), "coarser scales see no stripes: C / C"),
    Answer("MS_SSIM", _MATLAB, "I28", 1.0, "no luminance term"),
    Answer("MS_SSIM", _S, "I30", 1.0, _SAME),
    Answer("MS_SSIM", _ZOO, "I30", 2.0, "identical, sum of two"),
    Answer("MS_SSIM", _S, "I31", lum(100.0, 50.0, WANG[0]) ** 0.1333, "contrast terms 1, luminance only at scale 5"),
    Answer("MS_SSIM", _ZOO, "I31", 2.0 * lum(100.0, 50.0, 1e-4) ** 0.1333, "the same, C1 = 0.01^2, sum of two"),
    Answer(
        "MS_SSIM",
        _S,
        "J13",
        stripes_ssim(11, 100.0, 200.0, WANG, (0.0, 1.0)) ** 0.0448 * lum(50.0, 100.0, WANG[0]) ** 0.1333,
        "contrast at scale 1, then flat 50 and 100",
    ),
    Answer(
        "MS_SSIM",
        _ZOO,
        "J13",
        2.0 * stripes_ssim(11, 100.0, 200.0, (1e-4, 9e-4), (0.0, 1.0)) ** 0.0448 * lum(50.0, 100.0, 1e-4) ** 0.1333,
        "contrast at scale 1, then flat 50 and 100; sum of two",
    ),
    Answer("Q_S", _BOTH, "I42", 1.0, _SAME),
    Answer(
        "Q_S", _BOTH, "I27", lum(100.0, 50.0, WANG[0]), "the same SSIM from both sources, the weight does not matter"
    ),
    Answer("Q_S", _BOTH, "I20", stripes_ssim(11, 100.0, 200.0, WANG), "stripes at twice the contrast, both parities"),
    Answer("Q_W", _BOTH, "I42", 1.0, _SAME),
    Answer("Q_W", _BOTH, "I20", stripes_ssim(11, 100.0, 200.0, WANG), "equal variance everywhere, so equal weights"),
    Answer("Q_E", _S, "I42", 1.0, _SAME),
    Answer(
        "Q_E", _S, "J10", impulse_q_e(200.0, 100.0), "one window: SSIM of the impulses times SSIM of their edge rings"
    ),
    Answer("Q_E_repaired", _LIU, "I42", 1.0, _SAME),
    Answer(
        "Q_E_repaired", _LIU, "J10", impulse_q_e(200.0, 100.0), "one window: SSIM of impulses times that of their edges"
    ),
    Answer("Q_C", _LIU, "I42", 1.0, "s = 1/2, S = 1"),
    Answer("Q_C", _LIU, "I20", 0.64, "luminance 4/5, contrast 4/5, without constants"),
    Answer("Q_Y", _BOTH, "I42", 1.0, _SAME),
    Answer("Q_Y", _LIU, "I20", 0.64, "luminance 4/5, contrast 4/5, without constants"),
    Answer("Q_Y", _S, "I20", stripes_ssim(7, 100.0, 200.0, WANG), "stripes at twice the contrast, both parities"),
    Answer("Qy", _ZOO, "I42", 1.0, _SAME),
    Answer("Qy", _ZOO, "J8", one_pixel_qy(200.0, 100.0), "one pixel in black: only the centre weight counts"),
)

FIDELITY = (
    Answer("VIF", ("standard", "tang2023", "cddfuse", "ivif_zoo"), "I42", 2.0, "1 per source"),
    Answer("VIF", ("standard", "tang2023", "cddfuse"), "I32", 2.0, "a constant offset leaves variances and covariance"),
    Answer("VIF", ("standard", "seafusion2022", "tang2023", "cddfuse"), "I33", 0.0, "covariance 0"),
    Answer(
        "VIF",
        ("standard", "tang2023", "cddfuse"),
        "J1",
        2.0 * _VIF_HALF[0] / _VIF_HALF[1],
        "stripes at half the contrast: log(1 + v / 8) / log(1 + v / 2) per source",
    ),
    Answer("VIF", ("standard", "tang2023", "cddfuse"), "J2", 1.0, "ir kept, vis across it: covariance 0"),
    Answer("VIF", _SEA, "I42", 2.0, "identical; clipped products are the same on both sides"),
    Answer(
        "VIF", _SEA, "J3", 2.0 * clipped_stripes_vif(), "stripes 0, 20 seen as 0, 10: squares of 400 clipped to 255"
    ),
    Answer("VIF", _ZOO, "J8", 2.0 * one_pixel_vif(200.0, 0.5), "one pixel in black: only the centre weights count"),
    Answer("VIFF", _BOTH, "I42", 1.0, "all F = 1; (1 + 0.15 + 1) / 2.15"),
    Answer("VIFF", _BOTH, "I32", 1.0, "offset invariant"),
    Answer(
        "VIFF",
        _BOTH,
        "J1",
        ((_VIFF_HALF[0] + 1e-7) / (_VIFF_HALF[1] + 1e-7) + 1.15) / 2.15,
        "stripes at half the contrast at scale 1, nothing to see (F = 1) at the others",
    ),
    Answer("Q_P", _BOTH, "J16", 1.0, "identical, 6 x 6: all pixels are features, so no mask cuts the sources"),
    Answer("Q_P", _BOTH, "J11", 1.0, "the negative image has the same phase congruency"),
    Answer("Q_P", _BOTH, "J17", 1.0, "a flat source asks for nothing"),
    Answer("Q_P", _BOTH, "J18", 0.0, "nothing kept in a constant image"),
)

EDGES = (
    Answer("Qabf", _S, "I2", 0.9994 / (1.0 + exp(-7.5)) * QA, "G = T = 1 at every edge pixel"),
    Answer(
        "Qabf",
        ("seafusion2022", "tang2023", "cddfuse", "ivif_zoo", "vifb"),
        "I21",
        0.9994 * QA,
        "tie rule: G = gF, saturated",
    ),
    Answer("Qabf", _SEA, "I35", small_edge_qabf(), "tie rule G = gF on unit range, a step of 0.2"),
    Answer(
        "Qabf",
        ("standard", "seafusion2022", "tang2023", "cddfuse", "ivif_zoo", "vifb"),
        "I34",
        0.9994 / 2.0 * QA,
        "G = 1/2 at every edge pixel, the frame included: exp(0) = 1",
    ),
    Answer("Qabf", _S, "I8", 0.9994 / (1.0 + exp(7.5)) * 0.9879 / (1.0 + exp(17.6)), "gF = 0: G = 0, T = 0", 1e-15),
    Answer("Nabf", ("standard", "seafusion2022", "tang2023", "ivif_zoo"), "I2", 0.0, "gF > gA nowhere"),
    Answer("Nabf", _ZOO, "I36", 1.0 - QN, "ratio 1/2, orientation 1 at both edge columns; weights 0 elsewhere"),
    Answer(
        "Nabf",
        _S,
        "I36",
        (1.0 - QN) * 2.0 * EDGE_50 / (2.0 * EDGE_50 + 0.062),
        "weights 50^1.5 at 2 columns, 0.001 at 62",
    ),
    Answer("Nabf", _SEA, "I36", (1.0 - QN) / 32.0, "all weights 0.001: share 2/64"),
    Answer(
        "Nabf", _TANG, "I37", (1.0 - QN) * 2.0 * EDGE_50 / (2.0 * EDGE_50 + 0.062), "rates ir against vis and fused"
    ),
    Answer("Nabf", _S, "I37", 0.0, "fused nowhere stronger than ir"),
    Answer("Q_G", _LIU, "I42", 1.0 / (1.0 + exp(-5.0)) ** 2, "G = D = 1 everywhere"),
    Answer(
        "Q_G",
        _LIU,
        "J9",
        (1.0 / (1.0 + exp(-5.0)) + 0.5) / 2.0 / (1.0 + exp(-5.0)),
        "two pixels: strengths 400, 200 seen as 400, 100; no turn",
    ),
    Answer("Q_M", _LIU, "I42", 3.0, "3 bands, exp(0) each"),
    Answer(
        "Q_M",
        _LIU,
        "I38",
        (2.0 + exp(-1.0)) ** (2.0 / 3.0) * (2.0 + exp(-2.0)) ** (1.0 / 3.0),
        "one detail band per level, 1 and 2 in size; the other two give 1 each",
    ),
)

CONTRAST = (
    Answer("Qcb", (*_S, *_VIFB), "I42", 1.0, _SAME),
    Answer(
        "Qcb", (*_S, *_VIFB), "J6", half_turned_qcb(), "2 x 2: half the pixels agree, the ratio of contrasts elsewhere"
    ),
    Answer("Q_CB", _LIU, "I42", 1.0, "q = 1, weights sum to 1"),
    Answer("Q_CB", _LIU, "J6", half_turned_qcb(), "2 x 2: half the pixels agree, the ratio of contrasts elsewhere"),
    Answer("Qcb", _ZOO, "J14", guarded_qcb(False), "2 x 2, identical: below 1 by its guard", 1e-5),
    Answer(
        "Qcb", _ZOO, "J6", guarded_qcb(True), "2 x 2: half the pixels agree, the ratio of contrasts elsewhere", 1e-5
    ),
    Answer("Qcv", (*_S, *_VIFB), "I42", 0.0, _SAME),
    Answer("Qcv", (*_S, *_VIFB), "I32", 0.0, "the stretch removes the offset: all differences 0"),
    Answer("Qcv", (*_S, *_VIFB), "J7", stripes_check_qcv(), "pure waves, filtered at 8 and 8 sqrt(2)"),
    Answer("Q_CV", _LIU, "I32", 0.0, "the stretch removes the offset: all differences 0"),
    Answer("Q_CV", _LIU, "J7", stripes_check_qcv(), "pure waves, filtered at 8 and 8 sqrt(2)"),
)

_FLAT_60 = "of 62 window columns 2 straddle the edge (flat fused window: 0), 60 are flat in both: 1"
FEATURES = (
    Answer("FMI_raw", (*_S, *_MATLAB), "I42", 1.0, "identical windows"),
    Answer("FMI_raw", _S, "I17", 1.0, "identical windows"),
    Answer("FMI_raw", (*_S, *_MATLAB), "I8", 60.0 / 62.0, _FLAT_60),
    Answer("FMI_raw", (*_S, *_MATLAB), "J5", 1.0, _GAIN_2),
    Answer("FMI_gradient", (*_S, *_MATLAB), "J5", 1.0, _GAIN_2),
    Answer("FMI_gradient", (*_S, *_MATLAB), "I8", 58.0 / 62.0, "2 gradient columns: 4 of 62 window columns see them"),
    Answer("FMI_edge", _S, "J4", 59.0 / 62.0, "one edge column: 3 of 62 window columns see it"),
    Answer("FMI_edge", _S, "J5", 1.0, "twice the contrast has the same edges"),
    Answer("FMI_pixel", _MATLAB, "J4", 59.0 / 62.0, "of edge maps: one edge column, 3 of 62 window columns see it"),
    Answer("FMI_pixel", _MATLAB, "J5", 1.0, "of edge maps: twice the contrast has the same edges"),
    Answer("FMI_dct", (*_S, *_MATLAB), "I42", 1.0, "identical windows"),
    Answer("FMI_dct", (*_S, *_MATLAB), "J5", 1.0, _GAIN_2),
    Answer("FMI_wavelet", (*_S, *_MATLAB), "I42", 1.0, "identical windows"),
    Answer("FMI_wavelet", (*_S, *_MATLAB), "J5", 1.0, _GAIN_2),
)

COLOUR = (
    Answer("CIEDE2000", _S, "K1", 50.0, "black against white is 100, in half of the image"),
    Answer("CIEDE2000_p95", _S, "K1", 100.0, "black against white is 100, in half of the image"),
    Answer("CIEDE2000", _S, "K6", grey_ciede2000(119, 120), "two greys: lightness difference over S_L"),
    Answer("CIEDE2000_p95", _S, "K6", grey_ciede2000(119, 120), "two greys: lightness difference over S_L"),
    Answer("Hue_difference", _S, "K2", red_green_hue(), "red against green"),
    Answer("Hue_difference", _S, "K3", red_green_hue() / 2.0, "red against green in half of the image"),
    Answer("Hue_difference_p95", _S, "K2", red_green_hue(), "red against green"),
    Answer("Hue_difference_p95", _S, "K3", red_green_hue(), "red against green in half of the image"),
    Answer("Hue_difference", _S, "K4", 0.0, "a grey has no hue"),
)

ANSWERS = (
    *INFORMATION, *ACTIVITY, *ERRORS, *STRUCTURE, *FIDELITY, *EDGES, *CONTRAST, *FEATURES, *COLOUR,
)  # fmt: skip
