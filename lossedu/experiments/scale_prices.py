r"""What several windows together charge, by frequency, beside an edge, in operations; what one lets the others do.

Close to the truth the product :math:`l_M\prod_j cs_j` costs the sum of what its factors cost, so that each window adds
its own price list.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from .. import WANG_2003, _validate, ms_ssim_sigma_grad
from ..filters import gaussian_window, window_size
from ..instruments import Price
from ..losses.multiscale import SIGMAS
from ..losses.scales_apart import factors

C1, C2 = 0.01**2, 0.03**2

#: Taps of the pyramid's window.
PYRAMID_TAPS = 11


def response(sigma: float, frequency: float, taps: int | None = None) -> float:
    """Return how much of a wave a window lets through, from 1 at frequency 0 down to 0."""
    window = gaussian_window(sigma, taps)
    place = torch.arange(window.numel(), dtype=torch.float64) - window.numel() // 2
    return float((window.double() * torch.cos(2 * math.pi * frequency * place)).sum())


def window_price(sigma: float, frequency: float, taps: int | None = None) -> float:
    """Return what cs of one window charges for a faint wave on flat ground, (1 - G^2) / C2."""
    return (1 - response(sigma, frequency, taps) ** 2) / C2


def _listed(uniform: float, frequencies: Tensor, values: Sequence[float], level: float) -> Price:
    return Price(uniform, frequencies, torch.tensor(values, dtype=torch.float64), level)


def trick(
    frequencies: Tensor, sigmas: Sequence[float] = SIGMAS, *, level: float = 0.5, taps: int | None = None
) -> Price:
    """Return the price list that theory gives the sigma trick on flat ground; `taps` cuts all windows to one size."""
    ground = 2 * level**2 + C1
    values = [
        response(sigmas[-1], f, taps) ** 2 / ground + sum(window_price(sigma, f, taps) for sigma in sigmas)
        for f in frequencies.tolist()
    ]
    return _listed(1 / ground, frequencies, values, level)


def pyramid(frequencies: Tensor, weights: Sequence[float] = WANG_2003, *, level: float = 0.5) -> Price:
    """Return the price list that theory gives the pyramid of Wang et al. (2003), for waves along an axis."""
    ground, last, values = 2 * level**2 + C1, len(weights) - 1, []
    for f in frequencies.tolist():
        total = 0.0
        for j, weight in enumerate(weights):
            left = math.prod(math.cos(math.pi * 2**k * f) ** 2 for k in range(j))  # after j means of two pixels
            through = response(1.5, 2**j * f) ** 2
            total += weight * left * ((1 - through) / C2 + (through / ground if j == last else 0.0))
        values.append(total)
    return _listed(weights[last] / ground, frequencies, values, level)


def beside_edge(
    sigmas: Sequence[float], *, noise: float = 1e-3, height: int = 512, reach: int = 40, seed: int = 0
) -> Tensor:
    """Return the price of faint grain by its distance from a step 0.25 | 0.75, relative to that far from it, (reach,).

    On the dark side; element 0 is the pixel next to the edge.
    """
    side = reach + 80
    y = torch.full((1, 1, height, 2 * side), 0.25, dtype=torch.float64)
    y[..., side:] = 0.75
    x = y + noise * torch.randn(y.shape, generator=torch.Generator().manual_seed(seed), dtype=y.dtype)
    l, cs = factors(x, y, sigmas=sigmas, padding="reflect")
    charged = (1 - l * cs.prod(0))[0, 0].mean(0)
    return charged[side - reach : side].flip(0) / charged[20:50].mean()


def level_pull(noises: Sequence[float], sigmas: Sequence[float], *, level: float = 0.75, shift: float = 0.01) -> Tensor:
    """Return the pull on the level of a flat picture that is too bright and noisy, relative to that without noise."""
    widest = max(window_size(sigma) for sigma in sigmas)
    y = torch.full((1, 1, widest + 64, widest + 64), level, dtype=torch.float64)
    grain = torch.randn(y.shape, generator=torch.Generator().manual_seed(0), dtype=y.dtype)

    def pull(s: float) -> float:  # grain and its negative, so that the mean of the grain does not count as a level
        both = [ms_ssim_sigma_grad(y + shift + sign * s * grain, y, sigmas=sigmas).sum() for sign in (1, -1)]
        return float(both[0] + both[1])

    pulls = [pull(s) for s in (0.0, *noises)]
    return torch.tensor(pulls[1:], dtype=torch.float64) / pulls[0]


def effective(sigma: float, taps: int) -> tuple[float, float]:
    """Return the standard deviation of a window cut to `taps`, and to how many equal pixels it amounts, 1 / sum G^2."""
    window = gaussian_window(sigma, taps).double()
    place = torch.arange(taps, dtype=torch.float64) - taps // 2
    return float((window * place**2).sum().sqrt()), float(window.square().sum() ** -2)


def multiplications(sigmas: Sequence[float] = SIGMAS, *, levels: int = 5) -> Mapping[str, float]:
    """Return for each form how many multiplications the five moments take, for each pixel and channel of the picture.

    One window for each scale and patch; a window at every pixel, in two dimensions or along rows and columns; and the
    pyramid, whose level j has 4^-j of the pixels.
    """
    _validate.count("levels", levels)
    taps = [window_size(sigma) for sigma in sigmas]
    return {
        "patch": 5.0 * len(sigmas),
        "dense": 5.0 * sum(k * k for k in taps),
        "separable": 10.0 * sum(taps),
        "pyramid": 10.0 * PYRAMID_TAPS * sum(0.25**j for j in range(levels)),
    }
