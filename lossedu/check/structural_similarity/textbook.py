"""SSIM as the textbook writes it, term by term, and the same with one mistake: what wrong answers are compared with."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...data import crop, photograph


@dataclass(frozen=True)
class Formula:
    """The choices that SSIM makes; each field but `hint` may be set wrongly on purpose."""

    hint: str = ""
    c1: float = 0.01**2
    c2: float = 0.03**2
    normalised: bool = True
    weighted: bool = True
    exponent: float = 2.0
    means_removed: bool = True
    bessel_variance: bool = False
    bessel_covariance: bool = False
    twice: bool = True

    def window(self, size: int, sigma: float) -> Tensor:
        """Return the weights of one window, (size, size)."""
        offset = torch.arange(size, dtype=torch.float64) - size // 2
        row = torch.exp(-(offset**2) / (self.exponent * sigma**2)) if self.weighted else torch.ones_like(offset)
        weights = row[:, None] * row
        return weights / weights.sum() if self.normalised else weights

    def terms(self, x: Tensor, y: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """Return l and cs of the one window that is as large as the pictures (1, 1, K, K)."""
        weights = self.window(x.shape[-1], sigma)
        mu_x, mu_y = (weights * x).sum(), (weights * y).sum()
        off = (mu_x, mu_y) if self.means_removed else (torch.zeros_like(mu_x), torch.zeros_like(mu_y))
        sample = x.numel() / (x.numel() - 1)
        var, cov = sample if self.bessel_variance else 1.0, sample if self.bessel_covariance else 1.0
        var_x = var * ((weights * x * x).sum() - off[0] ** 2)
        var_y = var * ((weights * y * y).sum() - off[1] ** 2)
        cov_xy = cov * ((weights * x * y).sum() - off[0] * off[1])
        two = 2 if self.twice else 1
        luminance = (two * mu_x * mu_y + self.c1) / (mu_x**2 + mu_y**2 + self.c1)
        return luminance, (two * cov_xy + self.c2) / (var_x + var_y + self.c2)

    def gradients(self, x: Tensor, y: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """Return dl/dx and d cs/dx by autograd."""
        with torch.enable_grad():
            x = x.detach().clone().requires_grad_()
            luminance, contrast_structure = self.terms(x, y, sigma)
            (dl,) = torch.autograd.grad(luminance, x, retain_graph=True)
            (dcs,) = torch.autograd.grad(contrast_structure, x)
        return dl, dcs


RIGHT = Formula()


def by_hand(
    x: Tensor,
    y: Tensor,
    sigma: float,
    *,
    c1: float = RIGHT.c1,
    c2: float = RIGHT.c2,
    factor: bool = True,
    centred: bool = True,
    plain_means: bool = False,
    plain_spread: bool = False,
    correction: int = 0,
) -> tuple[Tensor, Tensor]:
    """Return (3.9) and (3.10) as one writes them, with the slips that only a closed form can have.

    Left out may be the `factor` l or cs, and the means in (3.10); plain instead of weighted may be the means, and
    variances and covariance, these with or without Bessel's `correction`.
    """
    weights = RIGHT.window(x.shape[-1], sigma)
    even = torch.full_like(weights, 1 / weights.numel())
    means, spread = even if plain_means else weights, even if plain_spread else weights
    sample = x.numel() / (x.numel() - correction)
    mu_x, mu_y = (means * x).sum(), (means * y).sum()
    dx, dy = x - mu_x, y - mu_y
    below_l = mu_x**2 + mu_y**2 + c1
    below_cs = sample * (spread * (dx**2 + dy**2)).sum() + c2
    luminance = (2 * mu_x * mu_y + c1) / below_l if factor else 1.0
    contrast_structure = (2 * sample * (spread * dx * dy).sum() + c2) / below_cs if factor else 1.0
    if not centred:
        dx, dy = x, y
    return (
        (2 * weights * (mu_y - luminance * mu_x) / below_l).expand_as(x),
        2 * weights * (dy - contrast_structure * dx) / below_cs,
    )


NOT_SQUARED = "C1 and C2 are not squared: C1 = (0.01 L)^2 and C2 = (0.03 L)^2, with L = 1"
WRONG_RANGE = "data range 255: for pictures in [0, 1] L is 1"
_SAMPLE = "N/(N-1) variance: sample instead of population (torch's x.var() has it unless correction=0)"
_EVEN = "; and every pixel has the same weight"
WRONG = (
    Formula("forgot to normalise the window: its weights must sum to 1", normalised=False),
    Formula(_SAMPLE, bessel_variance=True, bessel_covariance=True),
    Formula(_SAMPLE, bessel_variance=True),
    Formula(_SAMPLE + _EVEN, bessel_variance=True, bessel_covariance=True, weighted=False),
    Formula(_SAMPLE + _EVEN, bessel_variance=True, weighted=False),
    Formula(NOT_SQUARED, c1=0.01, c2=0.03),
    Formula(WRONG_RANGE, c1=2.55**2, c2=7.65**2),
    Formula("C1 and C2 are missing", c1=0.0, c2=0.0),
    Formula("every pixel has the same weight: the Gaussian window is missing", weighted=False),
    Formula("the window's exponent is -d^2 / sigma^2 instead of -d^2 / (2 sigma^2)", exponent=1.0),
    Formula(
        "the means were not subtracted: the variance is E[x^2] - mu_x^2, the covariance E[x y] - mu_x mu_y",
        means_removed=False,
    ),
    Formula("a factor 2 is missing in a numerator: 2 mu_x mu_y + C1 and 2 sigma_xy + C2", twice=False),
)


def noisy_patch(size: int, *, top: int = 96, left: int = 208) -> tuple[Tensor, Tensor]:
    """Return a patch of the astronaut in grey and float64, with noise of standard deviation 0.05 and without."""
    y = crop(photograph("astronaut", gray=True), top, left, size).double()
    noise = torch.randn(y.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return y + 0.05 * noise, y


def flat(level: float, size: int) -> Tensor:
    """Return a flat patch (1, 1, size, size) in float64."""
    return torch.full((1, 1, size, size), level, dtype=torch.float64)
