"""The baselines' trainings: they learn, resume to the same bits, and their losses are what the sheets say."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from bench.errors import BenchError
from bench.fusion.harness import Fuser
from bench.plugin.kinds import METHODS
from bench.plugin.method import Trainable, TrainRequest
from bench.train import TrainingStopped
from bench.train.patches import ColourCrops, Patches, square_images
from bench.types import PairFiles
from bench.weights.find import resolve
from methods._training import adversarial, fusiongan, ganmcc, ifcnn, rfn_nest, sdnet, u2fusion
from methods._training.features import ResNetFeatures, VGGFeatures
from methods._training.similarity import gaussian, laplacian, released_ms_ssim, ssim_parts
from methods._training.synthetic import blurred, depth_masks, exposure_pair, focus_pair

TINY = {
    "fusiongan": {"patch": 31, "stride": 24, "batch": 2, "steps": 2},
    "ganmcc": {"patch": 31, "stride": 24, "batch": 2, "steps": 2},
    "densefuse": {"size": 24, "steps": 4},
    "sdnet": {"patch": 24, "stride": 24, "batch": 2, "steps": 4},
    "rfn_nest": {"size": 16, "batch": 2, "auto_steps": 1, "fusion_steps": 2},
    "u2fusion": {"patch": 16, "stride": 24, "batch": 2, "steps": 2, "vgg_size": 32},
    "ifcnn": {"crop": 32, "batch": 2, "first_steps": 1, "second_steps": 2},
}


TWO_PHASES = ("rfn_nest", "ifcnn")
"""Those are stopped within their second."""


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> tuple[PairFiles, ...]:
    """Four pairs of 72 x 96 pixels: waves, squares and noise, different in both."""
    folder, rng = tmp_path_factory.mktemp("pairs"), np.random.default_rng(2)
    y, x = np.mgrid[:72, :96]
    made = []
    for number in range(4):
        ir = 90 + 60 * np.sin((x + 9 * number) / 6) + 50 * ((y // 12 + number) % 3 == 0) + rng.normal(0, 4, x.shape)
        vis = np.stack(
            [60 + y + 40 * ((x // (8 + channel)) % 2) + rng.normal(0, 4, x.shape) for channel in range(3)], -1
        )
        for kind, image in (("ir", ir), ("vi", vis)):
            Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(folder / f"{kind}{number}.png")
        made.append(PairFiles("made", "train", str(number), folder / f"ir{number}.png", folder / f"vi{number}.png"))
    return tuple(made)


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(cache / "hub"))


@pytest.fixture
def small_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for ResNet-101, whose making takes longer than a tiny training."""

    class Small(nn.Module):
        source = "small"
        sha256 = "random"

        def __init__(self, fetch: bool, seed: int) -> None:
            super().__init__()
            generator = torch.Generator().manual_seed(seed)
            self.first_layer = torch.randn(64, 3, 7, 7, generator=generator) / 12
            self.kernel = torch.randn(8, 3, 3, 3, generator=generator)

        def distance(self, first: Tensor, second: Tensor) -> Tensor:
            return functional.conv2d(first - second, self.kernel).square().mean()

    monkeypatch.setattr(ifcnn, "ResNetFeatures", Small)


SIZES = ((72, 96), (40, 61), (90, 50))
"""Of a stranger's pairs: no two alike, odd sides among them."""


@pytest.mark.parametrize("name", TINY)
def test_two_bare_folders_of_any_sizes_are_learned_from(name: str, tmp_path: Path, small_features: None) -> None:
    from bench.data.frames import read_frames
    from bench.train.command import TrainOrder, train_command

    rng = np.random.default_rng(4)
    for number, size in enumerate(SIZES):
        for side, shape in (("thermal", size), ("colour", (*size, 3))):
            (tmp_path / side).mkdir(exist_ok=True)
            Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(tmp_path / side / f"{number}.png")
    said: list[str] = []
    order = TrainOrder(
        name, preset="smoke", out=tmp_path / "out", device="cpu", install=False, ir=tmp_path / "thermal",
        vis=tmp_path / "colour", options=tuple(f"{key}={value}" for key, value in TINY[name].items()),
    )  # fmt: skip
    path = train_command(order, said.append, lambda *_: None)
    assert path.is_file()
    frames = read_frames(path)
    assert frames is not None
    assert (frames.dataset, frames.names) == ("folder", ("0", "1", "2"))
    assert said == []  # its loss needs no labels
    METHODS.get(name)(path, "cpu")


def request(name: str, pairs: tuple[PairFiles, ...], out: Path, **more: Any) -> TrainRequest:
    options = tuple((key, str(value)) for key, value in (TINY[name] | more.pop("options", {})).items())
    return TrainRequest("made", pairs, "smoke", out, options=options, **more)


def train(name: str, pairs: tuple[PairFiles, ...], out: Path, **more: Any) -> Path:
    cls: Any = METHODS.get(name)
    assert isinstance(cls, Trainable)
    return cls.train(request(name, pairs, out, **more))


# ------------------------------------------------------------------ every recipe


@pytest.mark.usefixtures("small_features")
@pytest.mark.parametrize("name", TINY)
def test_a_stopped_training_ends_as_if_it_had_not_been(name: str, pairs: tuple[PairFiles, ...], tmp_path: Path) -> None:
    whole = train(name, pairs, tmp_path / "whole")
    with pytest.raises(TrainingStopped):
        train(name, pairs, tmp_path / "parts", stop_after=2 if name in TWO_PHASES else 1)
    parts = train(name, pairs, tmp_path / "parts")
    for key, tensor in load_file(whole).items():
        assert torch.equal(load_file(parts)[key], tensor), key

    cls = METHODS.get(name)
    resolved = resolve(cls, whole)
    assert resolved.origin == "trained here"
    assert resolved.training is not None
    assert (resolved.training["method"], resolved.training["dataset"]) == (name, "made")
    ir, vis = (np.asarray(Image.open(path))[:24, :32] for path in (pairs[0].ir_path, pairs[0].vis_path))
    trained, untrained = Fuser(cls(whole)).fuse_pair(ir, vis), Fuser(cls()).fuse_pair(ir, vis)
    assert trained.shape == vis.shape
    assert (trained != untrained).any()

    before = whole.stat().st_mtime_ns
    assert train(name, pairs, tmp_path / "whole") == whole
    assert whole.stat().st_mtime_ns == before


@pytest.mark.usefixtures("small_features")
@pytest.mark.usefixtures("small_features")
@pytest.mark.parametrize("name", TINY)
def test_the_cost_is_told_in_advance(name: str, pairs: tuple[PairFiles, ...], tmp_path: Path) -> None:
    cls: Any = METHODS.get(name)
    text = cls.estimate_cost(request(name, pairs, tmp_path / "out"))
    assert text.startswith(f"{name}, preset smoke, recipe ")
    assert " s a step\n" in text
    assert not (tmp_path / "out").exists()


def test_another_seed_gives_another_network(pairs: tuple[PairFiles, ...], tmp_path: Path) -> None:
    one, two = (load_file(train("densefuse", pairs, tmp_path / str(seed), seed=seed)) for seed in (0, 1))
    assert not torch.equal(one["first.weight"], two["first.weight"])


def test_the_global_generator_is_left_alone(pairs: tuple[PairFiles, ...], tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    train("sdnet", pairs, tmp_path)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"recipe": "nope"}, "recipe 'nope' is not known, wanted one of released"),
        ({"ablation": "nope"}, "ablation 'nope' is not known"),
        ({"options": {"nope": 1}}, "option 'nope' is unknown; known: batch, epoch_steps, epochs, init_std"),
        ({"options": {"batch": "many"}}, "option batch is 'many', wanted a whole number from 1"),
        ({"options": {"batch": 0}}, "option batch is '0', wanted a whole number from 1"),
        ({"options": {"patch": 500}}, "no image of the 4 pairs has 500x500 pixels"),
    ],
)
def test_wrong_settings_are_refused(more: Any, text: str, pairs: tuple[PairFiles, ...], tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=text):
        train("sdnet", pairs, tmp_path, **more)


def test_a_folder_of_another_training_is_refused(pairs: tuple[PairFiles, ...], tmp_path: Path) -> None:
    train("sdnet", pairs, tmp_path)
    with pytest.raises(BenchError, match="remove the folder or choose another one"):
        train("sdnet", pairs[:3], tmp_path)
    with pytest.raises(BenchError, match="no training pair on disk"):
        train("sdnet", (), tmp_path / "none")


@pytest.mark.parametrize("name", TINY)
def test_presets_differ_in_size_only(name: str) -> None:
    from importlib import import_module

    presets = import_module(f"methods._training.{name}").PRESETS
    assert set(presets) == {"smoke", "quick", "paper"}
    assert len(set(map(type, presets.values()))) == 1
    work = [
        getattr(presets[preset], "steps", 0)
        or getattr(presets[preset], "auto_steps", 0)
        or getattr(presets[preset], "first_steps", math.inf)
        for preset in ("smoke", "quick", "paper")
    ]
    assert sorted(work) == work


PUBLISHED_STEPS = {
    "densefuse": [160_000], "sdnet": [11 * 2504], "fusiongan": [4 * 1178], "ganmcc": [5 * 1178],
    "rfn_nest": [40_000, 40_000], "u2fusion": [3 * 393], "ifcnn": [5_000, 60_000],
}  # fmt: skip


@pytest.mark.usefixtures("small_features")
@pytest.mark.parametrize("name", PUBLISHED_STEPS)
@pytest.mark.parametrize("count", [2, 3])
def test_paper_presets_have_the_published_number_of_steps(
    name: str, count: int, pairs: tuple[PairFiles, ...], tmp_path: Path
) -> None:
    from importlib import import_module

    module = import_module(f"methods._training.{name}")
    options = {"patch": 36, "stride": 36, "crop": 24, "size": 24, "batch": 2, "random_features": 1, "fetch": 0}
    settings = module.PRESETS["paper"]
    known = {key: value for key, value in options.items() if hasattr(settings, key)}
    request = TrainRequest("made", pairs[:count], "paper", tmp_path)
    phases = module.build(request, replace(settings, **known)).phases
    assert [phase.steps for phase in phases] == PUBLISHED_STEPS[name]


@pytest.mark.parametrize("name", ["u2fusion", "ifcnn"])
def test_random_features_must_be_asked_for(name: str, pairs: tuple[PairFiles, ...], tmp_path: Path) -> None:
    from importlib import import_module

    trainer = import_module(f"methods._training.{name}").TRAINER
    request = TrainRequest(
        "made", pairs, "paper", tmp_path, options=(("batch", "2"), *((("crop", "24"),) if name == "ifcnn" else ()))
    )
    with pytest.raises(BenchError, match=r"no ImageNet weights .*--option random_features=1"):
        trainer.train(request)
    assert not (tmp_path / "weights.safetensors").exists()


LEARNS = {
    "densefuse": ("distance", {"steps": 80}),
    "sdnet": ("gradient", {"steps": 60}),
}
LEARNS_SLOWLY = {
    "rfn_nest": ("distance", {"auto_steps": 60, "fusion_steps": 1}),
    "fusiongan": ("content", {"patch": 36, "batch": 2, "steps": 60}),
    "ganmcc": ("content", {"patch": 36, "batch": 2, "steps": 60}),
}


@pytest.mark.parametrize("name", [*LEARNS, *(pytest.param(name, marks=pytest.mark.slow) for name in LEARNS_SLOWLY)])
def test_a_short_training_learns(name: str, pairs: tuple[PairFiles, ...], tmp_path: Path) -> None:
    value, options = (LEARNS | LEARNS_SLOWLY)[name]
    train(name, pairs, tmp_path, options=options)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    values = [line[value] for line in lines if value in line]
    assert values[-1] < 0.6 * values[0]


# ------------------------------------------------------------------ losses


@pytest.fixture
def images() -> Tensor:
    return torch.rand(2, 3, 1, 40, 44, generator=torch.Generator().manual_seed(4))


def test_the_laplacian_is_written_out(images: Tensor) -> None:
    x = images[0, 0, 0].double().numpy()
    padded = np.pad(x, 1)
    wanted = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:] - 4 * x
    np.testing.assert_allclose(laplacian(images[0, :1])[0, 0].numpy(), wanted, atol=1e-5)


@pytest.mark.parametrize("value_range", [1.0, 255.0])
def test_ssim_agrees_with_scikit_image(images: Tensor, value_range: float) -> None:
    from skimage.metrics import structural_similarity

    x, y = images[0, :1] * value_range, images[1, :1] * value_range
    ssim, structure = ssim_parts(x, y, gaussian(11, 1.5), value_range)
    wanted = structural_similarity(
        x[0, 0].double().numpy(), y[0, 0].double().numpy(), gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, data_range=value_range, full=True,
    )[1][5:-5, 5:-5]  # fmt: skip
    np.testing.assert_allclose(ssim[0, 0].numpy(), wanted, atol=2e-4)
    assert structure.shape == ssim.shape
    assert float(ssim_parts(x, x, gaussian(11, 1.5), value_range)[1].mean()) == pytest.approx(1, abs=1e-4)


def test_ms_ssim_keeps_the_released_slips(images: Tensor) -> None:
    x, y = images[0] * 255, images[1] * 255
    assert float(released_ms_ssim(x, x)) == pytest.approx(1, abs=1e-4)
    a, b, product, parts = x, y, 1.0, []
    for _ in range(5):
        size = min(11, *a.shape[-2:])
        parts.append([(float(part.mean()) + 1) / 2 for part in ssim_parts(a, b, gaussian(size, 1.5), 255)])
        a, b = functional.avg_pool2d(a, 2), functional.avg_pool2d(b, 2)
    for (_, structure), weight in zip(parts[:4], (0.0448, 0.2856, 0.3001, 0.2363), strict=True):
        product *= structure**weight * parts[4][0] ** 0.1333
    assert float(released_ms_ssim(x, y)) == pytest.approx(product, rel=1e-5)
    small = released_ms_ssim(images[0], images[1])  # at most 128: taken to be 0..1
    assert float(small) != pytest.approx(float(released_ms_ssim(x, y)), abs=1e-6)


def test_sdnet_lets_the_stronger_gradient_decide() -> None:
    ir, vis = torch.zeros(1, 1, 12, 12), torch.zeros(1, 1, 12, 12)
    ir[..., 3, 3], vis[..., 8, 8] = 1, 1
    decides_ir, decides_vis = sdnet.stronger_gradients(ir, vis)
    assert torch.equal(decides_ir + decides_vis, torch.ones_like(ir))
    assert (decides_ir[..., 3, 3], decides_vis[..., 8, 8]) == (1, 1)
    assert decides_ir[..., 0, 0] == 1  # a tie
    intensity, gradient = sdnet.squeeze_loss(ir, ir, vis)
    assert float(intensity) == pytest.approx(0.5 * float(((ir - vis) ** 2).mean()))
    assert float(gradient) == pytest.approx(80 * float((decides_vis * (laplacian(ir) - laplacian(vis)) ** 2).mean()))


class Judge(nn.Module):
    """Scores that are chosen, and what it was asked."""

    def __init__(self, *scores: tuple[float, ...]) -> None:
        super().__init__()
        self.scores, self.updates = list(scores), []

    def forward(self, images: Tensor, update: bool = False) -> Tensor:
        self.updates.append(update)
        return torch.tensor(self.scores.pop(0)).repeat(4000, 1)


def expected(score: float, low: float, high: float) -> float:
    """E[(score - U(low, high))^2]."""
    return (score - (low + high) / 2) ** 2 + (high - low) ** 2 / 12


def test_fusiongan_judges_visible_real_and_fused_not(images: Tensor) -> None:
    judge: Any = Judge((0.2,), (0.9,))
    loss = fusiongan.discriminator_loss(judge, *images[:, :1].repeat(2, 1, 1, 1, 1)[:3])
    assert float(loss) == pytest.approx(expected(0.2, 0.7, 1.2) + expected(0.9, 0, 0.3), rel=0.02)
    assert judge.updates == [True, False]


def test_fusiongan_content_is_infrared_and_visible_edges(images: Tensor) -> None:
    fused, ir, vis = images[0, :1], images[0, 1:2], images[1, :1]
    adversarial_part, content = fusiongan.generator_loss(Judge((0.4,)), fused, ir, vis)  # type: ignore[arg-type]
    assert float(adversarial_part) == pytest.approx(expected(0.4, 0.7, 1.2), rel=0.02)
    edges = ((laplacian(fused) - laplacian(vis)) ** 2).mean()
    assert float(content) == pytest.approx(float(100 * (((fused - ir) ** 2).mean() + 5 * edges)), rel=1e-5)


def test_ganmcc_wants_each_source_to_be_one_kind(images: Tensor) -> None:
    fused, ir, vis = images[0, :1], images[0, 1:2], images[1, :1]
    judge: Any = Judge((0.1, 0.2), (0.3, 0.4), (0.5, 0.6))
    loss = ganmcc.discriminator_loss(judge, fused, ir, vis)
    yes, no = (0.7, 1.2), (0.0, 0.3)
    wanted = sum(
        expected(score, *label) for score, label in ((0.1, yes), (0.2, no), (0.3, no), (0.4, yes), (0.5, no), (0.6, no))
    )
    assert float(loss) == pytest.approx(wanted, rel=0.02)
    assert judge.updates == [True, False, False]
    adversarial_part, content = ganmcc.generator_loss(Judge((0.5, 0.6)), fused, ir, vis)  # type: ignore[arg-type]
    assert float(adversarial_part) == pytest.approx(expected(0.5, *yes) + expected(0.6, *yes), rel=0.02)
    parts = [((a - b) ** 2).mean() for a, b in ((fused, ir), (fused, vis))]
    parts += [((laplacian(fused) - laplacian(b)) ** 2).mean() for b in (vis, ir)]
    weights = (1, 0.4, 5, 4)
    assert float(content) == pytest.approx(
        100 * sum(w * float(p) for w, p in zip(weights, parts, strict=True)), rel=1e-5
    )


def test_spectral_normalisation_finds_the_largest_singular_value() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(5, 7, 3)
    weight = layer.weight.detach().clone()
    spectral = adversarial.Spectral(weight)
    for _ in range(100):
        normalised = spectral(weight)
    sigma = torch.linalg.svdvals(weight.flatten(1))[0]
    torch.testing.assert_close(normalised, weight / sigma, rtol=1e-3, atol=1e-5)
    spectral.update = False
    before = spectral.u.clone()
    spectral(weight)
    assert torch.equal(spectral.u, before)


def test_spectral_normalisation_lets_gradients_through_its_vectors() -> None:
    torch.manual_seed(0)
    weight = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    spectral = adversarial.Spectral(weight).double()
    spectral.update = False
    assert torch.autograd.gradcheck(spectral, (weight,))


def test_the_power_iteration_moves_only_when_told() -> None:
    torch.manual_seed(0)
    discriminator = adversarial.Discriminator(32, 2)
    adversarial.prepare(discriminator)
    units = [module for module in discriminator.modules() if isinstance(module, adversarial.Spectral)]
    assert len(units) == 5  # four convolutions and the linear layer
    before = [unit.u.clone() for unit in units]
    patches = torch.randn(3, 1, 32, 32)
    assert discriminator(patches).shape == (3, 2)
    assert all(torch.equal(unit.u, old) for unit, old in zip(units, before, strict=True))
    discriminator(patches, update=True)
    assert not any(torch.equal(unit.u, old) for unit, old in zip(units, before, strict=True))


def test_the_discriminator_has_the_sheets_sizes() -> None:
    discriminator = adversarial.Discriminator(120, 1)
    assert discriminator.score.in_features == 9216
    assert [tuple(layer.weight.shape) for layer in discriminator.layers] == [
        (32, 1, 3, 3), (64, 32, 3, 3), (128, 64, 3, 3), (256, 128, 3, 3),
    ]  # fmt: skip


def test_the_trained_generator_takes_off_twelve_pixels() -> None:
    generator = fusiongan.Generator()
    adversarial.prepare(generator)
    assert generator(torch.randn(1, 1, 40, 33), torch.randn(1, 1, 40, 33)).shape == (1, 1, 28, 21)
    names = set(adversarial.raw_state(generator))
    assert {"path.layers.0.weight", "last.weight", "last.bias", "path.norms.3.bias"} <= names
    first = dict(generator.named_parameters())["path.layers.0.parametrizations.weight.original"]
    assert float(first.detach().abs().max()) <= 2e-3  # two standard deviations


def test_rfn_nest_draws_features_to_six_and_three(images: Tensor) -> None:
    net, _ = rfn_nest.living_network(images[0, :1] * 255, 0)
    ir, vis = images[0] * 255, images[1] * 255
    net.requires_grad_(False)
    of_ir, of_vis = net.auto.encode(ir), net.auto.encode(vis)
    ideal = [6 * a + 3 * b for a, b in zip(of_ir, of_vis, strict=True)]
    net.fuse = lambda a, b: ideal  # type: ignore[method-assign]
    structure, features = rfn_nest.fusion_loss(net, ir, vis)
    assert float(features) == 0
    output = net.auto.decode(ideal)
    stretched = (output - output.min()) / (output.max() - output.min() + 1e-5) * 255
    assert float(structure) == pytest.approx(float(700 * (1 - released_ms_ssim(stretched, vis))), rel=1e-4)
    net.fuse = lambda a, b: [scale + 2 for scale in ideal]  # type: ignore[method-assign]
    assert float(rfn_nest.fusion_loss(net, ir, vis)[1]) == pytest.approx(4 * 1111, rel=1e-3)


def test_a_dead_rfn_nest_is_not_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    class Dead(rfn_nest.RFNNest):
        def __init__(self) -> None:
            super().__init__()
            if len(made) < 2:
                nn.init.constant_(self.auto.last.bias, -1e9)
            made.append(self)

    made: list[Any] = []
    monkeypatch.setattr(rfn_nest, "RFNNest", Dead)
    net, seed = rfn_nest.living_network(torch.rand(1, 1, 16, 16) * 255, 5)
    assert seed != 5
    assert (net.auto.decode(net.auto.encode(torch.rand(1, 1, 16, 16) * 255)) > 0).any()


# ------------------------------------------------------------------ U2Fusion


def test_u2fusion_measures_edges_of_features() -> None:
    features = torch.zeros(2, 3, 9, 9)
    features[1, 0, 4, 4] = 2
    wanted = (4 + 8 * 0.25**2) / (3 * 81)
    assert u2fusion.information([features, 2 * features]).tolist() == pytest.approx([0, (wanted + 4 * wanted) / 2])


def test_u2fusion_keeps_the_more_informative_source() -> None:
    torch.manual_seed(0)
    vgg = VGGFeatures(None)
    assert vgg.source == "random"
    flat, busy = torch.full((2, 1, 16, 16), 0.5), torch.rand(2, 1, 16, 16)
    measures = u2fusion.measures_of(vgg, flat, busy, 32)
    weights = u2fusion.weights_of(vgg, flat, busy, 32, float((measures[1] - measures[0]).mean()))
    torch.testing.assert_close(weights.sum(dim=0), torch.ones(2))
    assert weights[1] == pytest.approx([1 / (1 + math.exp(-1))] * 2, abs=0.05)


def test_u2fusion_weights_each_source(images: Tensor) -> None:
    fused, first, second = images[0], images[1], images[1].flip(-1)
    weights = torch.tensor([[0.9, 0.5, 0.2], [0.1, 0.5, 0.8]])
    structure, distance = u2fusion.similarity_loss(fused, (first, second), weights)
    wanted_structure = wanted_distance = 0.0
    for index in range(3):
        for source, weight in ((first, weights[0]), (second, weights[1])):
            ssim = ssim_parts(source[index : index + 1], fused[index : index + 1], gaussian(11, 1.5), 1.0)[0].mean()
            wanted_structure += float(weight[index] * (1 - ssim)) / 3
            wanted_distance += float(weight[index] * ((fused[index] - source[index]) ** 2).mean()) / 3
    assert float(structure) == pytest.approx(wanted_structure, rel=1e-4)
    assert float(distance) == pytest.approx(20 * wanted_distance, rel=1e-4)


def test_u2fusion_vgg_maps_are_the_five_of_the_sheet() -> None:
    vgg = VGGFeatures(None)
    shapes = [tuple(features.shape[1:]) for features in vgg(torch.rand(1, 3, 32, 32))]
    assert shapes == [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (512, 2, 2)]
    assert all(float(features.min()) >= 0 for features in vgg(torch.rand(1, 3, 32, 32)))


def test_u2fusion_goes_through_three_tasks_and_remembers(
    pairs: tuple[PairFiles, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(u2fusion, "FISHER_BATCHES", 2)
    options = {"steps": 2, "ewc": 1000.0, "batch": 1, "stride": 48, "sharpness": 1.0}
    whole = train("u2fusion", pairs, tmp_path / "whole", recipe="three_tasks", options=options)
    lines = [json.loads(line) for line in (tmp_path / "whole/log.jsonl").read_text().splitlines()]
    assert list(dict.fromkeys(line["phase"] for line in lines)) == ["infrared-visible", "exposure", "focus"]
    assert ["consolidation" in line for line in lines] == [line["phase"] != "infrared-visible" for line in lines]
    for stop in (3, 5):  # within the second and the third task
        with pytest.raises(TrainingStopped):
            train("u2fusion", pairs, tmp_path / "parts", recipe="three_tasks", options=options, stop_after=stop)
    parts = train("u2fusion", pairs, tmp_path / "parts", recipe="three_tasks", options=options)
    for key, tensor in load_file(whole).items():
        assert torch.equal(load_file(parts)[key], tensor), key
    free = train("u2fusion", pairs, tmp_path / "free", recipe="three_tasks", options=options | {"ewc": 0.0})
    assert not torch.equal(load_file(free)["first.weight"], load_file(whole)["first.weight"])


def test_consolidation_is_the_squared_way_from_the_anchor() -> None:
    net = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[1.0, 2.0]]))
    memory = u2fusion.Consolidation(net)
    memory.add(lambda number: (net.weight * torch.tensor([3.0, 0.0])).sum())
    with torch.no_grad():
        net.weight += 0.5
    assert memory.penalty().item() == pytest.approx(9 * 0.25)


# ------------------------------------------------------------------ data


def test_patches_cover_the_grid(pairs: tuple[PairFiles, ...]) -> None:
    patches = Patches(pairs, 24, 20, "cpu")
    assert len(patches) == 4 * 3 * 4
    assert [patches.place(index) for index in (0, 1, 4, 11, 12)] == [
        (0, 0, 0), (0, 0, 20), (0, 20, 0), (0, 40, 60), (1, 0, 0),
    ]  # fmt: skip
    ir, vis = patches.batch([17])
    image = np.asarray(Image.open(pairs[1].ir_path))[20:44, 20:44]
    np.testing.assert_allclose(ir[0, 0].numpy() * 255, image, atol=1e-4)
    grey = np.asarray(Image.open(pairs[1].vis_path).convert("L"))[20:44, 20:44]
    np.testing.assert_allclose(vis[0, 0].numpy() * 255, grey, atol=1e-4)


def test_the_sheets_patches_are_counted_alike(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((270, 360), np.uint8)).save(tmp_path / "x.png")
    files = PairFiles("made", "train", "x", tmp_path / "x.png", tmp_path / "x.png")
    assert len(Patches([files], 132, 14, "cpu")) == ((270 - 132) // 14 + 1) * ((360 - 132) // 14 + 1)


def test_square_images_take_nearest_pixels(pairs: tuple[PairFiles, ...]) -> None:
    squares = square_images(pairs, 24)
    assert squares.shape == (4, 2, 24, 24)
    source = np.asarray(Image.open(pairs[2].ir_path))
    np.testing.assert_array_equal(squares[2, 0].numpy(), source[1::3][:, 2::4])


def test_colour_crops_are_cut_from_the_image(pairs: tuple[PairFiles, ...]) -> None:
    crops = ColourCrops(pairs, 72, "cpu").batch([1, 3], np.random.default_rng(0))
    assert crops.shape == (2, 3, 72, 72)
    image = np.asarray(Image.open(pairs[3].vis_path)).transpose(2, 0, 1)
    assert any(np.allclose(crops[1].numpy() * 255, image[:, :, left : left + 72], atol=1e-3) for left in range(25))


def test_synthetic_pairs_are_complementary() -> None:
    torch.manual_seed(0)
    sharp = torch.rand(3, 3, 32, 32)
    near, far = focus_pair(sharp)
    torch.testing.assert_close(near + far, sharp + near + far - sharp)
    error = torch.minimum((near - sharp).abs(), (far - sharp).abs())
    assert float((error < 0.02).float().mean()) > 0.7  # almost everywhere one of them is sharp
    masks = depth_masks(5, 32, sharp)
    assert masks.shape == (5, 1, 32, 32)
    assert masks.flatten(1).mean(dim=1).tolist() == pytest.approx([0.5] * 5, abs=0.15)
    over, under = exposure_pair(sharp)
    assert (over >= sharp - 1e-6).all()
    assert (under <= sharp / 2 + 1e-6).all()


def test_blur_keeps_the_mean_of_a_flat_image_and_widens_a_point() -> None:
    torch.testing.assert_close(blurred(torch.full((1, 2, 9, 9), 0.3), 2.0), torch.full((1, 2, 9, 9), 0.3))
    point = torch.zeros(1, 1, 33, 33)
    point[..., 16, 16] = 1
    offsets = torch.arange(33.0) - 16
    assert float((blurred(point, 2.0)[0, 0].sum(0) * offsets**2).sum()) == pytest.approx(4, rel=0.05)


@pytest.mark.slow
def test_ifcnn_trains_with_random_resnet_features(pairs: tuple[PairFiles, ...], tmp_path: Path) -> None:
    path = train("ifcnn", pairs, tmp_path)
    record = json.loads((tmp_path / "training.json").read_text())
    assert record["features"] == "ResNet-101, random"
    assert torch.equal(load_file(path)["conv1.weight"], ResNetFeatures(None, 0).first_layer)


def test_every_recipe_says_what_it_was_trained_as() -> None:
    # settings are frozen: a preset cannot be changed by one training for the next
    with pytest.raises(AttributeError):
        sdnet.PRESETS["smoke"].batch = 7  # type: ignore[misc]
    assert replace(sdnet.PRESETS["smoke"], batch=7).batch == 7


def test_bare_folders_without_a_pair_say_so_by_their_names(tmp_path: Path) -> None:
    from bench.train.command import TrainOrder, train_command

    for side in ("thermal", "colour"):
        (tmp_path / side).mkdir()
    order = TrainOrder("densefuse", preset="smoke", ir=tmp_path / "thermal", vis=tmp_path / "colour", install=False)
    with pytest.raises(BenchError, match=r"thermal and .*colour hold no usable pair: no image is there"):
        train_command(order, print, lambda *_: None)
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / "thermal" / "a.png")
    Image.fromarray(np.zeros((20, 40, 3), np.uint8)).save(tmp_path / "colour" / "a.png")
    with pytest.raises(BenchError, match=r"hold no usable pair: .*wanted the same size"):
        train_command(order, print, lambda *_: None)
