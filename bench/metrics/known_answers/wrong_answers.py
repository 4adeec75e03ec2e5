"""Published wrong answers: what each slip of the field's codes would give on the same images."""

from __future__ import annotations

from math import log, log10, sqrt

from bench.metrics.known_answers.derivations import NAVA, QA, QN, lum, small_edge_qabf, tsallis
from bench.metrics.known_answers.facts import WrongAnswer

WRONG_ANSWERS = (
    WrongAnswer("EN", "standard", "I2", log(2.0), "entropy in nats"),
    WrongAnswer("MI", "standard", "I2", 2.0 * log(2.0), "nats, as in cddfuse"),
    WrongAnswer("MI", "standard", "I2", 1.0, "mean of the sources for their sum"),
    WrongAnswer("MI", "standard", "I10", 4.0, "levels 254 and 255 in one joint bin, as in tang2023"),
    WrongAnswer("MI", "standard", "I11", 4.0, "the same: independent images score twice their entropy"),
    WrongAnswer("SD", "standard", "I21", sqrt(127.5), "uint8 arithmetic, as in seafusion2022"),
    WrongAnswer("SD", "standard", "I22", 5.0 * sqrt(4096.0 / 4095.0), "sample for population"),
    WrongAnswer("SD", "standard", "K5", 14.5, "BGR read as RGB"),
    WrongAnswer("Variance", "vifb", "I22", 25.0, "a variance, as its name says"),
    WrongAnswer("SF", "standard", "I15", 100.0 / 255.0, "images scaled to 0..1, as in seafusion2022"),
    WrongAnswer("SF", "standard", "I15", 100.0 * sqrt(63.0 / 64.0), "sums divided by all pixels"),
    WrongAnswer("AG", "standard", "I15", 100.0 * sqrt(2.0) / 64.0, "centred differences, as in cddfuse"),
    WrongAnswer("AG", "standard", "I18", 4096.0 / 3969.0, "a sum over all pixels divided by fewer, as in tang2023"),
    WrongAnswer("CC", "standard", "I26", sqrt(2.0), "sum for mean"),
    WrongAnswer("SCD", "standard", "I26", sqrt(0.5), "mean for sum"),
    WrongAnswer("MSE", "standard", "I23", 100.0 / 65025.0, "images scaled to 0..1, as in tang2023"),
    WrongAnswer(
        "PSNR", "standard", "I23", 20.0 * log10(255.0 / sqrt(100.0 / 65025.0)), "48.13 dB too high, as in tang2023"
    ),
    WrongAnswer("PSNR", "standard", "I23", 10.0 * log10(110.0**2 / 100.0), "peak of the fused image, as in cddfuse"),
    WrongAnswer(
        "PSNR", "tang2023", "I23", 10.0 * log10(65025.0 / 100.0), "the sound value, which this code never gave"
    ),
    WrongAnswer("SSIM", "standard", "I27", lum(100.0, 50.0, 1e-4), "constants of a range of 1, as in tang2023"),
    WrongAnswer("SSIM", "standard", "I27", 2.0 * lum(100.0, 50.0, 6.5025), "sum for mean"),
    WrongAnswer("SSIM", "standard", "I28", 1.0, "the MEF index under the name of SSIM, as in seafusion2022"),
    WrongAnswer("VIF", "standard", "I42", 1.0, "mean of the sources for their sum"),
    WrongAnswer("VIFF", "standard", "I42", 2.0, "a sum of two plain VIFs under this name, as in cddfuse"),
    WrongAnswer("Qabf", "standard", "I2", 1.0, "the value that papers give for identical images"),
    WrongAnswer("Qabf", "standard", "I35", small_edge_qabf(), "ties count as lost on 0..1, as in seafusion2022"),
    WrongAnswer("Qabf", "standard", "I21", 0.9994 * QA, "ties saturate on 0..255, as in tang2023"),
    WrongAnswer("Nabf", "standard", "I36", (1.0 - QN) / 32.0, "weights switched off on 0..1, as in seafusion2022"),
    WrongAnswer("Q_TE", "standard", "I4", tsallis(2.0 ** (NAVA - 2.0), NAVA), "marginals swapped, as in liu2012"),
    WrongAnswer("Q_MI", "standard", "I4", 2.0, "the fused image's entropy left out, as NMI of ivif_zoo"),
    WrongAnswer("CE", "standard", "I39", log(2.0), "cross entropy of sigmoids, as in ivif_zoo"),
)
