r"""PRICE: what a loss charges for a small error, by the error's spatial frequency.

Close to the truth every smooth loss is a quadratic form of the error, and on flat ground a shift-invariant one is
diagonal in frequency: it has a price list.  Mean square error charges 1 for everything, so that a price reads as
"times as dear as for MSE".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .. import _validate


@dataclass(frozen=True)
class Price:
    """What a loss charges, relative to mean square error.

    Attributes
    ----------
    uniform : float
        Price of a uniform shift.
    frequencies : Tensor
        Cycles per pixel, 1-D.
    values : Tensor
        Price of a sinusoid of each frequency, 1-D.
    level : float
        The flat ground on which it was measured.
    """

    uniform: float
    frequencies: Tensor
    values: Tensor
    level: float

    def plot(self, ax: Any = None, **style: Any) -> Any:
        """Draw the price list on logarithmic axes; the dot at the left edge is the uniform shift.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure when left out.
        **style
            Passed to ``ax.loglog``.

        Returns
        -------
        matplotlib.axes.Axes
        """
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.subplots()[1]
        (line,) = ax.loglog(self.frequencies.tolist(), self.values.tolist(), **style)
        if self.uniform > 0:
            ax.plot(float(self.frequencies.min()) / 2, self.uniform, "o", color=line.get_color())
        ax.set_xlabel("spatial frequency (cycles per pixel)")
        ax.set_ylabel("price relative to MSE")
        return ax


def _waves(frequency: float, size: int) -> list[Tensor]:
    """Return cosine and sine, along rows and along columns: together they have the same energy at every pixel."""
    phase = 2 * math.pi * frequency * torch.arange(size, dtype=torch.float64)
    rows = [wave.expand(size, size) for wave in (phase.cos(), phase.sin())]
    return rows + [wave.T for wave in rows]


def price(
    loss: Callable[[Tensor, Tensor], Tensor],
    *,
    level: float = 0.5,
    amplitude: float = 1e-2,
    frequencies: Sequence[float] | Tensor | None = None,
    size: int = 128,
    channels: int = 3,
) -> Price:
    r"""Measure what a loss charges for a uniform shift and for sinusoids, on flat ground.

    .. math:: \mathrm{price}(f) = \frac{\sum_k \mathcal L(y + a\,w_k,\; y)}{a^2 \sum_k \overline{w_k^2}},
       \qquad y \equiv \text{level},

    with :math:`w_k` cosine and sine along rows and along columns.  The two phases add up to the same energy at every
    pixel, so that unfinished periods at the border do no harm.  The uniform shift is averaged over both signs.

    Parameters
    ----------
    loss : callable
        Any ``loss(x, y)`` that returns a scalar tensor: ours or somebody else's.
    level : float
        Grey level of the ground.
    amplitude : float
        Of the error, in intensity units: small enough to be "near the truth".
    frequencies : sequence of float, optional
        Cycles per pixel, above 0 and at most 0.5; by default 25 from one cycle per picture to 0.5.
    size : int
        Side of the picture in pixels; at least 16.
    channels : int
        Number of channels; all get the same error.

    Returns
    -------
    Price
        `uniform`, `frequencies`, `values`.  Mean square error has 1 everywhere.

    Raises
    ------
    TypeError
        If `loss` cannot be called.
    ValueError
        If an option is out of range, or `loss` does not return a single number.

    Notes
    -----
    Convention: pictures in torch's default dtype on the CPU.  A loss that is not quadratic near the truth (l1, say)
    has a price that depends on `amplitude`.

    Examples
    --------
    >>> from lossedu.losses import mse_loss
    >>> round(price(mse_loss, frequencies=[0.25]).uniform, 4)
    1.0
    """
    _validate.function("loss", loss)
    size, channels = _validate.count("size", size), _validate.count("channels", channels)
    if size < 16:
        raise ValueError(f"size must be at least 16 pixels, got {size}")
    amplitude = _validate.positive("amplitude", amplitude)
    level = _validate.in_range("level", level, -1e6, 1e6)
    if frequencies is None:
        frequencies = torch.logspace(math.log10(1 / size), math.log10(0.5), 25, dtype=torch.float64)
    chosen = [
        _validate.in_range("frequencies", f, 1e-9, 0.5 + 1e-9)
        for f in _validate.numbers("frequencies", frequencies).flatten().tolist()
    ]
    if not chosen:
        raise ValueError("frequencies must hold at least one number, got none; leave it out for 25 of them")
    ground = torch.full((1, channels, size, size), level)

    def charge(pattern: Tensor) -> float:
        return float(
            _validate.one_number("loss", loss(ground + (amplitude * pattern).to(ground.dtype), ground)).detach()
        )

    def charged(patterns: list[Tensor]) -> float:
        energy = sum(float(pattern.square().mean()) for pattern in patterns)
        return sum(charge(pattern) for pattern in patterns) / (amplitude**2 * energy)

    one = torch.ones(size, size, dtype=torch.float64)
    values = [charged(_waves(f, size)) for f in chosen]
    return Price(
        uniform=charged([one, -one]),
        frequencies=torch.tensor(chosen, dtype=torch.float64),
        values=torch.tensor(values, dtype=torch.float64),
        level=level,
    )
