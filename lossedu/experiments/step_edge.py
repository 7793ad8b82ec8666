"""SSIM near a step and on flat ground: the toys of Figure 9 of Zhao et al. (2017), in one and in two dimensions.

A grey step, 0.25 on the left and 0.75 on the right, is the reference; noise or a uniform bias is added to it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import data, ssim_map
from ..explorables import flat_price
from ..filters import gaussian_window
from ..instruments import Price

LOW, HIGH, NOISE = 0.25, 0.75, 0.05


def step(width: int = 256, low: float = LOW, high: float = HIGH) -> Tensor:
    """Return the step as a signal, shape (width,), float64; the right half is `high`."""
    signal = torch.full((width,), low, dtype=torch.float64)
    signal[width // 2 :] = high
    return signal


def ssim_signal(x: Tensor, y: Tensor, sigma: float, c1: float = 1e-4, c2: float = 9e-4) -> Tensor:
    """Return SSIM at each sample of one-dimensional signals (..., width), mirrored at their ends."""
    window = gaussian_window(sigma, dtype=x.dtype)
    radius = window.numel() // 2

    def mean(signal: Tensor) -> Tensor:
        flat = F.pad(signal.reshape(-1, 1, signal.shape[-1]), (radius, radius), mode="reflect")
        return F.conv1d(flat, window.view(1, 1, -1)).reshape(signal.shape)

    mu_x, mu_y = mean(x), mean(y)
    var_x, var_y, cov = mean(x * x) - mu_x**2, mean(y * y) - mu_y**2, mean(x * y) - mu_x * mu_y
    return (2 * mu_x * mu_y + c1) / (mu_x**2 + mu_y**2 + c1) * (2 * cov + c2) / (var_x + var_y + c2)


def noisy_step_1d(sigma: float, *, noise: float = NOISE, draws: int = 2000, seed: int = 0) -> Tensor:
    """Return the mean SSIM at each sample of the step under white noise, over `draws` draws."""
    y = step().expand(draws, -1)
    rng = torch.Generator().manual_seed(seed)
    x = y + noise * torch.randn(y.shape, generator=rng, dtype=torch.float64)
    return ssim_signal(x, y, sigma).mean(dim=0)


def noisy_step_2d(sigma: float, *, noise: float = NOISE, height: int = 512, seed: int = 0) -> Tensor:
    """Return the mean SSIM at each column of a two-dimensional step under white noise."""
    y = step().expand(1, 1, height, -1)
    rng = torch.Generator().manual_seed(seed)
    x = y + noise * torch.randn(y.shape, generator=rng, dtype=torch.float64)
    return ssim_map(x, y, sigma=sigma, padding="reflect").mean(dim=(0, 1, 2))


def biased_profile(bias: float, *, low: float = LOW, high: float = HIGH, sigma: float = 1.5) -> Tensor:
    """Return SSIM at each sample of the step when everything is too bright by `bias`."""
    y = step(low=low, high=high)
    return ssim_signal(y + bias, y, sigma)


def biased_step(bias: float, *, low: float = LOW, high: float = HIGH, sigma: float = 1.5) -> tuple[float, float]:
    """Return `biased_profile` far from the step, on its dark and on its bright side."""
    profile = biased_profile(bias, low=low, high=high, sigma=sigma)
    return float(profile[32]), float(profile[-32])


def correlated_noise_price(
    sigma: float, lengths: tuple[float, ...], *, noise: float = 0.02, size: int = 256, seed: int = 0
) -> list[float]:
    """Return (1 - SSIM) / MSE on flat grey under noise of equal strength whose grain is `lengths` pixels wide."""
    y = torch.full((1, 1, size, size), 0.5, dtype=torch.float64)
    prices = []
    for length in lengths:
        x = y + data.correlated_noise(y.shape, length=length, std=noise, seed=seed).to(y)
        prices.append(float((1 - ssim_map(x, y, sigma=sigma)).mean() / (x - y).square().mean()))
    return prices


def transfer(sigma: float, frequencies: Tensor, *, level: float = 0.5) -> Price:
    """Return the price list that theory gives SSIM on flat ground: `explorables.flat_price` at each frequency."""
    values = [flat_price(frequency, sigma, level=level) for frequency in [0.0, *frequencies.tolist()]]
    return Price(values[0], frequencies, torch.tensor(values[1:], dtype=torch.float64), level)
