"""No false alarm: our losses and torch's have no errors, and what is said about them is right."""

from __future__ import annotations

import copy
from typing import Any

import kornia
import pictures
import pytest
import pytorch_msssim
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import lossedu as le


def small_network() -> nn.Module:
    torch.manual_seed(3)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.LeakyReLU(), nn.Dropout(0.2), nn.BatchNorm2d(8), nn.Conv2d(8, 1, 3))
    return net.requires_grad_(False)


class Adversary(nn.Module):
    """A generator's loss against a discriminator with dropout and batch normalisation, in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.judge = small_network()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.softplus(-self.judge(x).mean(dim=(1, 2, 3))).mean()


def with_penalty(x: Tensor, y: Tensor) -> Tensor:
    """MSE with a gradient penalty, which differentiates inside."""
    value = (x - y).square().mean()
    (slope,) = torch.autograd.grad(value, x, create_graph=True)
    return value + slope.square().sum()


def ours(name: str, **options: Any) -> Any:
    """Return one of our functions under another name."""
    function = getattr(le, name)
    return lambda a, b: function(a, b, **options)


def tv(kind: str) -> Any:
    return lambda a: le.tv_loss(a, kind=kind)


def random_crop(x: Tensor, y: Tensor) -> Tensor:
    i, j = torch.randint(0, 33, (2,)).tolist()
    return F.l1_loss(x[..., i : i + 32, j : j + 32], y[..., i : i + 32, j : j + 32])


def smoothed_labels(x: Tensor, y: Tensor) -> Tensor:
    return F.binary_cross_entropy(x.clamp(1e-6, 1 - 1e-6), (0.9 * y + 0.05).clamp(0, 1))


def steep_logarithm(x: Tensor, y: Tensor) -> Tensor:
    return (x.clamp_min(1e-6).log() - y.clamp_min(1e-6).log()).abs().mean()


def sharp_kink(x: Tensor, y: Tensor) -> Tensor:
    return ((x - y).abs() + 1e-12).sqrt().mean()


SOUND: dict[str, Any] = {
    "mse": le.mse_loss,
    "l1": le.l1_loss,
    "charbonnier": le.charbonnier_loss,
    "ssim": le.ssim_loss,
    "ssim 3": ours("ssim_loss", sigma=3.0, padding="reflect"),
    "MSELoss": le.MSELoss(),
    "SSIMLoss": le.SSIMLoss(),
    "sum": ours("mse_loss", reduction="sum"),
    "torch mse": F.mse_loss,
    "torch l1": F.l1_loss,
    "torch huber": F.huber_loss,
    "torch smooth l1": F.smooth_l1_loss,
    "torch MSELoss": nn.MSELoss(),
    "torch L1Loss": nn.L1Loss(),
    "torch HuberLoss": nn.HuberLoss(),
    "torch SmoothL1Loss": nn.SmoothL1Loss(beta=0.1),
    "weighted": le.WeightedLoss({"mse": (0.5, le.mse_loss), "ssim": (0.5, le.ssim_loss)}),
    "tv": tv("anisotropic"),
    "tv isotropic": tv("isotropic"),
    "tv squared": tv("squared"),
    "ms_ssim": ours("ms_ssim_loss", weights=(0.5, 0.5)),
    "ms_ssim_sigma": ours("ms_ssim_sigma_loss", sigmas=(0.5, 1, 2)),
    "ms_ssim_sigma patch": ours("ms_ssim_sigma_loss", form="patch"),
    "mix": ours("mix_loss", sigmas=(0.5, 1, 2)),
    "emd": ours("histogram_emd_loss"),
    "emd logistic": ours("histogram_emd_loss", kernel="logistic", bins=32),
    "emd sort": ours("histogram_emd_loss", kernel="sort"),
    "sliced emd": ours("sliced_emd_loss", directions=4),
    "blurred mse": ours("blurred_mse_loss"),
    "min shift": ours("min_shift_loss", shift=1),
    "contextual": ours("contextual_loss", sample=64, eps=0.01),
    "contextual of features": le.ContextualLoss(("relu1_2",), weights="random", sample=100),
    "perceptual": le.PerceptualLoss(("relu1_2",), weights="random"),
    "adversarial colour": le.AdversarialColorLoss(le.ColorDiscriminator()),
    "adversary with dropout": Adversary(),
    "gradient penalty": with_penalty,
    "msssim in its range": lambda a, b: 1 - pytorch_msssim.ssim(a.float(), b.float(), data_range=1.0),
    "kornia ssim": kornia.losses.SSIMLoss(11),
    "kornia charbonnier": lambda a, b: kornia.losses.charbonnier_loss(a, b, reduction="mean"),
    "kornia welsch": lambda a, b: kornia.losses.welsch_loss(a, b, reduction="mean"),
    "kornia geman-mcclure": lambda a, b: kornia.losses.geman_mcclure_loss(a, b, reduction="mean"),
    "cosine": lambda a, b: 1 - F.cosine_similarity(a.flatten(1), b.flatten(1)).mean(),
    "edges": lambda a, b: ((a - b).diff(dim=-1).abs().mean() + (a - b).diff(dim=-2).abs().mean()),
    "spectrum": lambda a, b: torch.view_as_real(torch.fft.rfft2(a.float() - b.float(), norm="ortho")).abs().mean(),
    "entropy, clamped": lambda a, b: F.binary_cross_entropy(a.clamp(0, 1), b.clamp(0, 1)),
    "entropy, smoothed labels": smoothed_labels,
    "logarithm, clamped": steep_logarithm,
    "sharp kink": sharp_kink,
    "psnr, bounded": lambda a, b: (10 * ((a - b).square().mean(dim=(1, 2, 3)) + 1e-8).log10()).mean(),
    "median": lambda a, b: (a - b).abs().flatten(1).median(1).values.mean(),
    "quantile": lambda a, b: (a - b).abs().flatten(1).quantile(0.9, dim=1).mean(),
    "worst tenth": lambda a, b: (a - b).abs().flatten(1).topk(1228, dim=1).values.mean(),
    "cropped": lambda a, b: F.mse_loss(a[..., 4:-4, 4:-4], b[..., 4:-4, 4:-4]),
    "random crop": random_crop,
    "l1 and tv": lambda a, b: F.l1_loss(a, b) + 1e-3 * (a.diff(dim=-1).abs().mean() + a.diff(dim=-2).abs().mean()),
    "mean colour": lambda a, b: F.mse_loss(a.mean(dim=(2, 3)), b.mean(dim=(2, 3))),
    "luma": lambda a, b: F.l1_loss(a.mean(dim=1), b.mean(dim=1)),
}  # fmt: skip
WARNED = {"adversary with dropout": {"training mode", "batch"}, "gradient penalty": {"batch", "half precision"}}


@pytest.mark.parametrize("name", SOUND)
def test_no_false_alarm(name: str) -> None:
    report = le.audit(SOUND[name])
    errors = {f.name for f in report.findings if f.severity == "error"}
    assert not errors, report
    warned = {f.name for f in report.findings if f.severity == "warning"}
    # Naive ones, torch's and peers', compute in half precision and with integers, and are rightly told so.
    assert warned <= WARNED.get(name, {"half precision", "integer input"}), report
    assert not [check for check in report.checks if "crash" in check.outcome], report


def test_a_sharp_kink_is_no_surrogate() -> None:
    assert "surrogate gradient" not in {f.name for f in le.audit(sharp_kink).findings}


def test_mse_has_nothing_to_tell() -> None:
    report = le.audit(le.mse_loss)
    assert report.findings == () and report.ok
    assert report.price is not None and report.price.uniform == pytest.approx(1, rel=1e-4)


def test_ssim_is_blind_and_says_so_as_info() -> None:
    report = le.audit(le.ssim_loss)
    kinds = {f.name: f.severity for f in report.findings}
    assert kinds["blind to a uniform shift"] == kinds["blind to low frequencies"] == kinds["scale"] == "info"
    assert set(kinds.values()) == {"info"}


def test_a_loss_that_pulls_at_small_shifts_is_not_called_blind() -> None:
    # 17 times MSE for a shift, 3700 times for the dearest ripple: little beside that, but it does not fade.
    assert "blind to a uniform shift" not in {f.name for f in le.audit(le.mix_loss).findings}
    squared = le.audit(lambda x, y: le.ssim_loss(x, y) + (x - y).square().mean())
    assert "blind to a uniform shift" in {f.name for f in squared.findings}


def test_asymmetry_is_info() -> None:
    report = le.audit(lambda x, y: ((x - y) ** 2 * (0.1 + y)).mean())
    assert [f.severity for f in report.findings if f.name == "asymmetry"] == ["info"] and report.ok


def test_own_images_are_used() -> None:
    y = pictures.photo("chelsea", (300, 280), top=0, left=0).float()
    x = pictures.noisy(y, 0.1)
    report = le.audit(le.l1_loss, x=x, y=y)
    assert report.ok and report.pictures is not None
    assert torch.equal(report.pictures[1], y[0, :, 22:278, 12:268])
    assert torch.equal(report.pictures[0], x[0, :, 22:278, 12:268])
    # One alone is the reference, and something is done to it.
    alone = le.audit(le.mse_loss, y=y[..., :32, :32]).pictures
    assert alone is not None and alone[1] is not None and not torch.equal(alone[0], alone[1])


def test_images_of_255_need_a_range_of_255() -> None:
    y = 255 * pictures.photo("chelsea", 64).float()
    x = y + 8 * torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    report = le.audit(lambda a, b: 1 - pytorch_msssim.ssim(a, b), x=x, y=y)
    assert "data range" not in {f.name for f in report.findings}


@pytest.mark.parametrize("peak", [255.0, 1023.0, 4095.0, 65535.0])
def test_a_range_that_fits_the_images_is_no_fault(peak: float) -> None:
    y = peak * pictures.photo("chelsea", 64).float()
    sound: dict[str, Any] = {
        "ssim": ours("ssim_loss", data_range=peak),
        "l1": le.l1_loss,
        "cosine": SOUND["cosine"],
        "blurred": le.blurred_mse_loss,
    }
    for name, loss in sound.items():
        warned = {f.name for f in le.audit(loss, y=y).findings if f.severity != "info"}
        assert warned <= {"half precision"}, name


def test_what_nearly_every_loss_has_is_not_reported() -> None:
    for loss in (le.l1_loss, le.charbonnier_loss, F.huber_loss):
        assert "scale" not in {f.name for f in le.audit(loss).findings}


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((3,), {}, TypeError, "loss must be a function or module"),
        ((le.MSELoss,), {}, TypeError, "got the class MSELoss; pass MSELoss()"),
        ((le.mse_loss,), {"x": torch.zeros(3, 8, 8)}, ValueError, "x must have shape"),
        ((le.mse_loss,), {"y": torch.zeros(1, 3, 8, 8, dtype=torch.uint8)}, TypeError, "y must have a floating dtype"),
        ((le.mse_loss,), {"x": torch.zeros(1, 3, 8, 8), "y": torch.zeros(1, 1, 8, 8)}, ValueError, "same shape"),
        ((le.mse_loss,), {"y": torch.full((1, 3, 8, 8), torch.nan)}, ValueError, "must hold finite numbers"),
    ],
)
def test_bad_calls(arguments: Any, options: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        le.audit(*arguments, **options)
    assert words in str(caught.value)


def test_everything_is_as_before() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    net(torch.rand(2, 3, 8, 8)).sum().backward()
    frozen = nn.Conv2d(3, 4, 3).requires_grad_(False).eval()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(net(x), net(y)) + F.mse_loss(frozen(x), frozen(y)) + 0 * torch.rand(())

    before = copy.deepcopy(net.state_dict())
    grads = [p.grad.clone() for p in net.parameters() if p.grad is not None]
    modes, state, wanted = [m.training for m in net.modules()], torch.get_rng_state(), torch.is_grad_enabled()
    with torch.no_grad():
        report = le.audit(loss)
    assert {"trainable parameters", "training mode"} <= {f.name for f in report.findings}
    assert all(torch.equal(a, b) for a, b in zip(before.values(), net.state_dict().values(), strict=True))
    assert len(grads) == 4
    assert all(torch.equal(a, p.grad) for a, p in zip(grads, net.parameters(), strict=True) if p.grad is not None)
    assert modes == [m.training for m in net.modules()] and not frozen.training
    assert torch.equal(state, torch.get_rng_state()) and torch.is_grad_enabled() == wanted
    assert all(p.requires_grad for p in net.parameters()) and not any(p.requires_grad for p in frozen.parameters())


def test_default_device_and_dtype_do_not_matter() -> None:
    try:
        torch.set_default_dtype(torch.float64)
        assert le.audit(le.ssim_loss).ok
    finally:
        torch.set_default_dtype(torch.float32)


def test_works_in_inference_mode() -> None:
    with torch.inference_mode():
        assert le.audit(le.l1_loss).ok


def test_same_loss_same_report() -> None:
    def told(report: le.Report) -> list[tuple[str, str]]:
        return [(f.name, f.evidence) for f in report.findings if f.name != "memory"]

    assert told(le.audit(le.ssim_loss)) == told(le.audit(le.ssim_loss))


def test_what_equal_images_cost_is_no_price() -> None:
    plain = le.audit(le.mse_loss).price
    shifted = le.audit(lambda x, y: (x - y).square().mean() - 0.25).price
    assert plain is not None and shifted is not None
    assert torch.allclose(shifted.values, plain.values, rtol=2e-3)
    # The negative PSNR is -80 at equal images, and less than 0 beside them: no reward.
    report = le.audit(lambda x, y: (10 * torch.log10((x - y).square().mean(dim=(1, 2, 3)) + 1e-8)).mean())
    assert "rewards an error" not in {f.name for f in report.findings}
