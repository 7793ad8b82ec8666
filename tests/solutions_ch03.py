"""Model solutions of the exercises of chapter 3, as the book shows them."""

from __future__ import annotations

import math

import torch

import lossedu as le
from lossedu.filters import correlate, correlate_adjoint, gaussian_window

C1, C2 = 0.01**2, 0.03**2

# Exercise: the price list
order = ["shift", "splotch", "ripple", "grain"]


# Exercise: SSIM of one window
def window(size, sigma):
    offset = torch.arange(size, dtype=torch.float64) - size // 2
    row = torch.exp(-(offset**2) / (2 * sigma**2))
    weights = torch.outer(row, row)
    return weights / weights.sum()


def ssim_at_centre(x, y, sigma):
    G = window(x.shape[-1], sigma)
    mu_x, mu_y = (G * x).sum(), (G * y).sum()
    var_x = (G * (x - mu_x) ** 2).sum()
    var_y = (G * (y - mu_y) ** 2).sum()
    cov = (G * (x - mu_x) * (y - mu_y)).sum()
    l = (2 * mu_x * mu_y + C1) / (mu_x**2 + mu_y**2 + C1)
    cs = (2 * cov + C2) / (var_x + var_y + C2)
    return l * cs


# Exercise: the gradient of l
def luminance_gradient(x, y, sigma):
    G = window(x.shape[-1], sigma)
    mu_x, mu_y = (G * x).sum(), (G * y).sum()
    below = mu_x**2 + mu_y**2 + C1
    l = (2 * mu_x * mu_y + C1) / below
    return (2 * G * (mu_y - mu_x * l) / below).reshape(x.shape)


# Exercise: the gradient of cs
def contrast_structure_gradient(x, y, sigma):
    G = window(x.shape[-1], sigma)
    mu_x, mu_y = (G * x).sum(), (G * y).sum()
    var_x = (G * (x - mu_x) ** 2).sum()
    var_y = (G * (y - mu_y) ** 2).sum()
    cov = (G * (x - mu_x) * (y - mu_y)).sum()
    below = var_x + var_y + C2
    cs = (2 * cov + C2) / below
    return 2 * G * ((y - mu_y) - cs * (x - mu_x)) / below


# Exercise: the gradient of the whole loss
def ssim_gradient(x, y):
    g = gaussian_window(1.5)
    mu_x, mu_y = correlate(x, g), correlate(y, g)
    var_x = correlate(x * x, g) - mu_x**2
    var_y = correlate(y * y, g) - mu_y**2
    cov = correlate(x * y, g) - mu_x * mu_y
    below_l, below_cs = mu_x**2 + mu_y**2 + C1, var_x + var_y + C2
    l, cs = (2 * mu_x * mu_y + C1) / below_l, (2 * cov + C2) / below_cs
    # In every window: cs dl + l dcs, sorted by what multiplies y, what multiplies x, and the rest.
    with_y = l / below_cs
    with_x = -with_y * cs
    rest = cs * (mu_y - mu_x * l) / below_l - with_y * mu_y - with_x * mu_x
    # Each pixel collects from all windows that see it: that is the adjoint of the blur.
    ssim_sum = correlate_adjoint(rest, g) + y * correlate_adjoint(with_y, g) + x * correlate_adjoint(with_x, g)
    return -2 * ssim_sum / l.numel()


# Exercise: sell me a splotch
def splotch(sigma=1.5, side=128, budget=0.01):
    row = torch.cos(math.pi * (torch.arange(side) + 0.5) / side)  # half a wave: the slowest pattern with mean 0
    wave = row.expand(1, 1, side, side)
    ground = torch.full((1, 1, side, side), 0.5)
    low, high = 0.0, 0.5
    for _ in range(30):
        amplitude = (low + high) / 2
        if le.ssim_loss(ground + amplitude * wave, ground, sigma=sigma) <= budget:
            low = amplitude
        else:
            high = amplitude
    return ground + low * wave


# Exercise: the level under doubt
def level_under_doubt(m, v):
    return m - v / (2 * m)


# Exercise: one PSNR, two pictures
def on_sphere(x, y, radius):
    for _ in range(20):  # clamping takes some of the error away, so scale again
        error = x - y
        x = (y + error * radius / error.square().mean().sqrt()).clamp(0, 1)
    return x


def walk(y, sign, psnr=25.0, steps=100):
    radius = 10 ** (-psnr / 20)
    noise = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    x = on_sphere(y + noise, y, radius)
    for _ in range(steps):
        slope = le.ssim_grad(x, y)
        step = 0.1 * radius * slope / slope.square().mean().sqrt()
        x = on_sphere(x + sign * step, y, radius)
    return x


# Exercise: a variance that keeps its digits
def stable_variance(x, window):
    centred = x - x.mean()
    return correlate(centred**2, window) - correlate(centred, window) ** 2
