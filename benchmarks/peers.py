"""What is timed beside what: our losses, and the same thing in other libraries or written out by hand."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

import lossedu as le

Loss = Callable[[Tensor, Tensor], Tensor]
Shape = tuple[int, int, int, int]


@dataclass(frozen=True)
class Peer:
    """Another way to compute a loss.

    `differs` says in what it is another computation (border, taps); empty if values and gradients must be equal, to
    `within` relatively.
    """

    loss: Loss
    differs: str = ""
    within: float = 1e-3


@dataclass(frozen=True)
class Case:
    """A loss at one size, its peers, and how many times faster than the fastest of `against` it has to be."""

    name: str
    shape: Shape
    loss: Loss
    peers: dict[str, Peer] = field(default_factory=dict)
    floor: float | None = None
    against: tuple[str, ...] = ()
    note: str = ""


def ssim_peers() -> dict[str, Peer]:
    """Return the libraries that average SSIM over 11 x 11 windows, sigma 1.5, inside the image."""
    import pytorch_msssim
    from kornia.metrics import ssim as kornia_ssim
    from torchmetrics.functional.image import structural_similarity_index_measure as torchmetrics_ssim

    peers = {
        "pytorch-msssim": Peer(lambda x, y: 1 - pytorch_msssim.ssim(x, y, data_range=1.0)),
        "kornia": Peer(lambda x, y: 1 - kornia_ssim(x, y, 11, max_val=1.0, eps=0.0, padding="valid").mean()),
        "torchmetrics": Peer(
            lambda x, y: 1 - torchmetrics_ssim(x, y, data_range=1.0), "11 taps, the mean takes in a mirrored border"
        ),
    }
    if torch.cuda.is_available() and importlib.util.find_spec("fused_ssim"):
        from fused_ssim import fused_ssim

        peers["fused-ssim"] = Peer(lambda x, y: 1 - fused_ssim(x, y, padding="valid"))
    return peers


def pyramid_peers() -> dict[str, Peer]:
    """Return the libraries that have the MS-SSIM of Wang et al. (2003); with even sizes pytorch-msssim's is ours."""
    import pytorch_msssim
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as torchmetrics_ms_ssim

    def torchmetrics(x: Tensor, y: Tensor) -> Tensor:
        return 1 - torchmetrics_ms_ssim(x, y, data_range=1.0, normalize="relu")

    return {
        "pytorch-msssim": Peer(lambda x, y: 1 - pytorch_msssim.ms_ssim(x, y, data_range=1.0)),
        "torchmetrics": Peer(torchmetrics, "channels averaged before the powers; mirrored border at the last scale"),
    }


def kornia_mix(x: Tensor, y: Tensor) -> Tensor:
    """Return kornia's MS_SSIMLoss in units of ours: without its factor of 200, alpha as given."""
    from kornia.losses import MS_SSIMLoss

    layer = MS_SSIMLoss(alpha=0.84, compensation=1.0).to(x)
    return layer(x, y)


def patch_mix(x: Tensor, y: Tensor) -> Tensor:
    """Return the Mix of Zhao et al. (2017) on patches, the formula as one would write it in PyTorch."""
    radius = x.shape[-1] // 2
    k = torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device)
    product = torch.ones(x.shape[:2], dtype=x.dtype, device=x.device)
    for sigma in (0.5, 1.0, 2.0, 4.0, 8.0):
        g = torch.exp(-(k**2) / (2 * sigma**2))
        w = torch.outer(g, g) / g.sum() ** 2
        mu_x, mu_y = (w * x).sum((2, 3)), (w * y).sum((2, 3))
        dx, dy = x - mu_x[..., None, None], y - mu_y[..., None, None]
        var_x, var_y, cov = (w * dx * dx).sum((2, 3)), (w * dy * dy).sum((2, 3)), (w * dx * dy).sum((2, 3))
        product = product * (2 * cov + 0.03**2) / (var_x + var_y + 0.03**2)
    luminance = (2 * mu_x * mu_y + 0.01**2) / (mu_x**2 + mu_y**2 + 0.01**2)
    absolute = (w * (x - y).abs()).sum((2, 3))
    return (0.84 * (1 - product * luminance) + 0.16 * absolute).mean()


def product_mix(x: Tensor, y: Tensor) -> Tensor:
    """Return the same by one matrix product for all moments, as one would tune it: with variances E[x^2] - E[x]^2."""
    n, c, size, _ = x.shape
    k = torch.arange(-(size // 2), size // 2 + 1, dtype=x.dtype, device=x.device)
    lines = torch.stack([torch.exp(-(k**2) / (2 * sigma**2)) for sigma in (0.5, 1.0, 2.0, 4.0, 8.0)])
    lines = lines / lines.sum(1, keepdim=True)
    w = (lines[:, :, None] * lines[:, None]).flatten(1)
    a, b = x.reshape(n * c, -1), y.reshape(n * c, -1)
    mu_x, mu_y, xx, yy, xy = (torch.cat([a, b, a * a, b * b, a * b]) @ w.t()).chunk(5)
    cs = (2 * (xy - mu_x * mu_y) + 0.03**2) / (xx - mu_x**2 + yy - mu_y**2 + 0.03**2)
    luminance = (2 * mu_x * mu_y + 0.01**2)[:, -1] / (mu_x**2 + mu_y**2 + 0.01**2)[:, -1]
    absolute = (a - b).abs() @ w[-1]
    return (0.84 * (1 - cs.prod(1) * luminance) + 0.16 * absolute).mean()


def sorted_emd(x: Tensor, y: Tensor) -> Tensor:
    """Return the exact Wasserstein distance of the grey levels, by sorting."""
    return (x.flatten(2).sort(-1).values - y.flatten(2).sort(-1).values).abs().mean()


def plain_tv(x: Tensor, y: Tensor) -> Tensor:
    """Return the anisotropic total variation as everybody writes it."""
    down, right = (x[..., 1:, :] - x[..., :-1, :]).abs().sum(), (x[..., 1:] - x[..., :-1]).abs().sum()
    return (down + right) / x.numel()


def kornia_tv(x: Tensor, y: Tensor) -> Tensor:
    """Return kornia's total variation: a sum for each image."""
    from kornia.losses import total_variation

    return total_variation(x, reduction="sum").sum() / x.numel()


def cases() -> Iterator[Case]:
    """Yield every case; the losses are looked up only when they are called."""
    large, wide = (4, 3, 256, 256), (1, 3, 1024, 1024)
    plain_mse = {"by hand": Peer(lambda x, y: (x - y).square().mean())}
    yield Case("mse_loss", large, lambda x, y: le.mse_loss(x, y), plain_mse, 0.9, ("by hand",), "1, less the noise")
    yield Case("l1_loss", large, lambda x, y: le.l1_loss(x, y), {"by hand": Peer(lambda x, y: (x - y).abs().mean())})
    yield Case(
        "charbonnier_loss",
        large,
        lambda x, y: le.charbonnier_loss(x, y),
        {"by hand": Peer(lambda x, y: ((x - y).square() + 1e-6).sqrt().mean() - 1e-3)},
    )
    tv = {"by hand": Peer(plain_tv), "kornia": Peer(kornia_tv)}
    yield Case("tv_loss", large, lambda x, y: le.tv_loss(x), tv, 0.9, ("by hand",), "1, less the noise")
    compared = ("pytorch-msssim", "kornia", "fused-ssim")
    for shape, floor in (((8, 3, 64, 64), 2.0), (large, 4.0), (wide, 4.0)):
        yield Case("ssim_loss", shape, lambda x, y: le.ssim_loss(x, y), ssim_peers(), floor, compared)
    pyramid = (2, 3, 256, 256)
    yield Case("ms_ssim_loss", pyramid, lambda x, y: le.ms_ssim_loss(x, y), pyramid_peers(), 3.0, ("pytorch-msssim",))
    yield Case("ms_ssim_sigma_loss", (2, 3, 128, 128), lambda x, y: le.ms_ssim_sigma_loss(x, y))
    yield Case(
        "mix_loss",
        (2, 3, 128, 128),
        lambda x, y: le.mix_loss(x, y, padding="reflect"),
        {
            "kornia": Peer(
                kornia_mix, "33 x 33 taps at every sigma and zeros around; ours 5 to 57 taps, mirrored border"
            )
        },
        10.0,
        ("kornia",),
    )
    by_hand = {
        "by hand": Peer(patch_mix, within=5e-3),
        "by product": Peer(product_mix, "variances lose their digits: no digit is left on flat bright patches", 5e-2),
    }
    yield Case(
        "mix_loss, patch", (16, 3, 31, 31), lambda x, y: le.mix_loss(x, y, form="patch"), by_hand, 2.0, ("by hand",)
    )
    sorting = {"sorting": Peer(sorted_emd, "exact; ours has 256 bins and a gradient that is constant inside a bin")}
    yield Case(
        "histogram_emd_loss", (3, 3, 256, 256), lambda x, y: le.histogram_emd_loss(x, y), sorting, 8.0, ("sorting",)
    )
    yield Case("sliced_emd_loss", (1, 3, 256, 256), lambda x, y: le.sliced_emd_loss(x, y))
    yield Case("blurred_mse_loss", large, lambda x, y: le.blurred_mse_loss(x, y))
    yield Case(
        "metrics.psnr", large, lambda x, y: le.metrics.psnr(x, y), {"kornia": Peer(kornia_psnr, "pools the batch")}
    )
    for name in ("gmsd", "fsim", "iw_ssim", "ciede2000"):
        yield Case(f"metrics.{name}", (1, 3, 256, 256), lambda x, y, name=name: getattr(le.metrics, name)(x, y))


def kornia_psnr(x: Tensor, y: Tensor) -> Tensor:
    """Return kornia's PSNR."""
    from kornia.metrics import psnr

    return psnr(x, y, 1.0)


def pictures(shape: Shape, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return noisy and clean pieces of a photograph, repeated where the shape is larger than it."""
    n, _, height, width = shape
    photo = le.data.photograph("astronaut")
    y = photo.repeat(n, 1, math.ceil(height / 512), math.ceil(width / 512))[..., :height, :width].contiguous()
    x = y + 0.05 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    # Inside the range: beyond it histograms clip and sorting does not, and the two would measure different things.
    return x.clamp(0, 1).to(device), y.to(device)


def mse(x: Tensor, y: Tensor) -> Tensor:
    """Return PyTorch's mean square error, the price of looking at every pixel once."""
    return F.mse_loss(x, y)
