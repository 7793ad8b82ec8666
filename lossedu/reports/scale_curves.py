"""Curves over the windows of MS-SSIM that need no record: shape, price, and what noise does to the pull."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from matplotlib.figure import Figure

from .. import ms_ssim_loss, ms_ssim_sigma_grad, ms_ssim_sigma_loss, price, ssim_loss
from ..experiments import scale_prices
from ..figures import chart, loss_style
from ..filters import gaussian_window, window_size
from ..losses.multiscale import SIGMAS

#: Colour and line style of each window: the same as in the explorable.
LOOKS = {
    0.5: ("#b04a00", (0, (1, 1.5))),
    1.0: ("#8a5a00", (0, (3, 1.5))),
    2.0: ("#3f7f2a", (0, (6, 1.5))),
    4.0: ("#0a6f8a", (0, (6, 1.5, 1, 1.5))),
    8.0: ("#5a3fc0", "-"),
}

#: Frequencies at which prices are measured, in cycles per pixel, and the side of the picture that takes.
MEASURED, SIDE = (1 / 128, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2), 288


def draw_windows(taps: int = 31) -> Figure:
    """Draw the windows along a row of a patch, whole and as the patch cuts them off."""
    figure, (ax,) = chart(height=330)
    place = torch.arange(-32, 33)
    inside = place.abs() <= taps // 2
    for sigma, (color, _) in LOOKS.items():
        whole, cut = gaussian_window(sigma, place.numel()), gaussian_window(sigma, taps)
        ax.plot(place, whole / whole.max(), color=color, linestyle=(0, (2, 2)), linewidth=1)
        ax.plot(place[inside], cut / cut.max(), color=color, label=f"σ = {sigma:g}")
    ax.axvspan(-taps / 2, taps / 2, color="0.92", zorder=0)
    ax.set(xlabel="pixels from the centre of the patch", ylabel="weight (centre = 1)", ylim=(0, 1.05))
    ax.legend(fontsize="small")
    return figure


def draw_prices() -> Figure:
    """Draw what each window charges and what all do, and the pyramid beside one window: theory and measurement."""
    figure, axes = chart(2, height=420, sharey=True)
    waves = torch.logspace(-2.15, -0.302, 120, dtype=torch.float64)
    for sigma, (color, dash) in LOOKS.items():
        alone = [scale_prices.window_price(sigma, f) for f in waves.tolist()]
        axes[0].loglog(waves, alone, color=color, linestyle=dash, linewidth=1.3, label=f"σ = {sigma:g}")
    measure = partial(price, amplitude=1e-3, frequencies=MEASURED, size=SIDE)
    for ax, name, loss, theory in (
        (axes[0], "ms_ssim", ms_ssim_sigma_loss, scale_prices.trick),
        (axes[1], "ms_ssim_pyramid", ms_ssim_loss, scale_prices.pyramid),
    ):
        found, look = measure(loss), loss_style(name)
        ax.loglog(waves, theory(waves).values, color=look["color"])
        ax.loglog(found.frequencies, found.values, **look | {"linestyle": "none"})
    found = measure(ssim_loss)
    axes[1].loglog(found.frequencies, found.values, **loss_style("ssim_1.5"))
    axes[0].set(title="sigma trick", ylabel="price relative to MSE", ylim=(0.02, 1e4))
    axes[1].set(title="pyramid; one window")
    for ax in axes:
        ax.set_xlabel("frequency (cycles per pixel)")
        ax.axhline(1, color=loss_style("l2")["color"], linewidth=2)
        ax.legend(loc="lower right", fontsize="small", ncols=2 if ax is axes[0] else 1)
    return figure


#: Flat ground on which pulls are compared, and by how much the output is too bright.
LEVEL, SHIFT = 0.75, 0.01


def level_to_noise(noises: Sequence[float], sigmas: Sequence[float]) -> list[float]:
    """Return the pull on the level over the pull along the noise, on flat ground that is too bright and noisy."""
    side = max(window_size(sigma) for sigma in sigmas) + 64
    y = torch.full((1, 1, side, side), LEVEL, dtype=torch.float64)
    grain = torch.randn(y.shape, generator=torch.Generator().manual_seed(0), dtype=y.dtype)
    ratios = []
    for s in noises:
        level = noise = 0.0
        for sign in (1, -1):  # so that the mean of the grain does not count as a level
            pull = ms_ssim_sigma_grad(y + SHIFT + sign * s * grain, y, sigmas=sigmas)
            level += float(pull.sum())
            noise += float((sign * grain * pull).sum())
        ratios.append(level / noise)
    return ratios


def draw_veto() -> Figure:
    """Draw what noise leaves of the pull on the level, and the ratio of that pull to the one along the noise."""
    figure, axes = chart(2, height=340)
    noises = torch.linspace(0.0025, 0.06, 24, dtype=torch.float64)
    some, c2 = noises[::3].tolist(), scale_prices.C2
    ground = (LEVEL + SHIFT) ** 2 + LEVEL**2 + scale_prices.C1
    for name, sigmas in (("ssim_5", (5.0,)), ("ms_ssim", SIGMAS)):
        look, count = loss_style(name), len(sigmas)
        axes[0].plot(noises, (c2 / (noises**2 + c2)) ** count, color=look["color"])
        axes[1].semilogy(noises, SHIFT / ground * (noises**2 + c2) / (count * noises), color=look["color"])
        dots = look | {"linestyle": "none"}
        axes[0].plot(some, scale_prices.level_pull(some, sigmas, level=LEVEL, shift=SHIFT), **dots)
        axes[1].semilogy(some, level_to_noise(some, sigmas), **dots)
    axes[0].set(ylabel="pull on the level", ylim=(0, 1.02))
    axes[1].set(ylabel="pull on the level / along the noise", ylim=(5e-5, 1e-2))
    for ax in axes:
        ax.set(xlabel="noise left in the output", xlim=(0, 0.06))
        ax.legend()
    return figure
