r"""Sliced Wasserstein distance: the earth mover's distance of colours, not of one channel at a time.

Rabin, Peyré, Delon and Bernot, "Wasserstein barycenter and its application to texture mixing" (2011); Bonneel, Rabin,
Peyré and Pfister, "Sliced and Radon Wasserstein barycenters of measures" (2015).  Every pixel is a point in colour
space.  Seen along a direction :math:`\theta` of length 1 the points lie on a line, where the distance is a matter of
sorting:

.. math:: \mathrm{SW}_1 = \frac1D \sum_{d=1}^{D} \frac1P \sum_{i=1}^{P}
   \bigl|(\theta_d^\top x)_{(i)} - (\theta_d^\top y)_{(i)}\bigr|,

with :math:`z_{(i)}` the i-th smallest of P numbers.  Channel by channel, which is what `histogram_emd_loss` does, the
directions are the axes alone, and two pictures whose channels are paired in other ways look the same.
"""

from __future__ import annotations

import math
import random

from torch import Tensor, autocast

from .. import _validate
from ..filters import kept
from ..keeping import called_while_tracing
from .twin import Twin


@called_while_tracing
def unit_directions(channels: int, count: int, seed: int) -> tuple[float, ...]:
    """Return `count` directions of length 1 in a space of `channels` axes, one after the other in one tuple.

    Each is made of normal deviates, so that no direction is likelier than another.

    Examples
    --------
    >>> sum(v * v for v in unit_directions(3, 1, 0))
    1.0
    """
    deviates = random.Random(seed)
    found: list[float] = []
    for _ in range(count):
        direction = [deviates.gauss(0.0, 1.0) for _ in range(channels)]
        length = math.hypot(*direction)
        found += [value / length for value in direction]
    return tuple(found)


def _seed(seed: int) -> int:
    """Check the seed: Python's generator takes the absolute value, and would call two seeds one."""
    if _validate.integer("seed", seed) < 0:
        raise ValueError(f"seed must be an integer of at least 0, got {seed!r}")
    return int(seed)


def _projections(x: Tensor, theta: Tensor) -> Tensor:
    """Return pixels seen along directions: (N, C, P) and (D, C) to (N, D, P).

    Channel by channel, not as a product of matrices: a pixel's number must not depend on the place where it stands, or
    pictures with the same colours would differ by rounding, and so have gradients of full size.
    """
    seen = theta[:, :1] * x[:, :1]
    for c in range(1, x.shape[1]):
        seen = seen + theta[:, c : c + 1] * x[:, c : c + 1]
    return seen


def sliced_emd_loss(
    x: Tensor, y: Tensor, *, directions: int = 32, seed: int = 0, data_range: float = 1.0, reduction: str = "mean"
) -> Tensor:
    r"""Sliced earth mover's distance of the colours of x and y: :math:`\mathrm{SW}_1 / L`.

    Parameters
    ----------
    x, y : Tensor
        Processed image and reference, (N, C, H, W), any C, any floating dtypes, one device.
    directions : int
        How many directions D in colour space, at least 1.  With one channel there is one, whatever D is.
    seed : int
        Of the directions, at least 0.  They are the same for all images and for all calls with this seed and number.
    data_range : float
        Width L of the nominal range: 1.0 for images in [0, 1], 255 for 0 ... 255.
    reduction : {"mean", "sum", "none"}
        Over the batch; "none" gives shape (N,).

    Returns
    -------
    Tensor
        At least 0, in units of `data_range`; 0 for pictures with the same colours, wherever they are.  float32 for
        half-precision input.

    Raises
    ------
    TypeError
        If an image is no floating tensor, or `seed` no integer.
    ValueError
        If an image is not (N, C, H, W), shapes or devices differ, `directions` is no integer of at least 1,
        `seed` is negative, `data_range` is not above 0, or `reduction` is unknown.

    Notes
    -----
    Convention: directions of length 1, drawn once (Gaussian, ``random.Random(seed)``, made in float64), and the mean
    over them.  Nothing is clipped: values outside the range count as they are.  A shift of all pixels by a vector v
    costs :math:`\frac1D\sum_d|\theta_d^\top v| / L`, which is near :math:`|v| / (2L)` for three channels and many
    directions.  With one channel it is ``histogram_emd_loss(kernel="sort")``.  With finitely many directions it is a
    distance of what they see: different colours may cost 0 if D is below C.
    The gradient of a pixel is a mean of directions with signs, :math:`\sum_d \pm\theta_d / (NDPL)` with N images in the
    batch: of each direction by the same amount, however far the pixel has to go.  Equal projections are ranked as they
    lie in memory.  Time and memory grow as D.

    Examples
    --------
    >>> x = torch.tensor([[0.0, 1.0], [0.0, 1.0]]).view(1, 2, 1, 2)  # black and yellow
    >>> y = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).view(1, 2, 1, 2)  # green and red: each channel has the same values
    >>> bool(le.histogram_emd_loss(x, y) == 0), bool(sliced_emd_loss(x, y) > 0.2)
    (True, True)
    """
    x, y = _validate.images(x, y)
    count, seed = _validate.count("directions", directions), _seed(seed)
    data_range = _validate.positive("data_range", data_range)
    channels = x.shape[1]
    x, y = x.flatten(2), y.flatten(2)
    if channels > 1:
        name = ("directions", channels, count, seed)
        theta = kept(name, lambda: unit_directions(channels, count, seed), dtype=x.dtype, device=x.device)
        with autocast(x.device.type, enabled=False):
            x, y = (_projections(z, theta.view(count, channels)) for z in (x, y))
    ordered_x, ordered_y = (z.sort(dim=2, stable=True).values for z in (x, y))
    return _validate.reduce((ordered_x - ordered_y).abs().mean(dim=(1, 2)) / data_range, reduction)


class SlicedEMDLoss(Twin):
    """Module twin of `sliced_emd_loss`."""

    def __init__(
        self, *, directions: int = 32, seed: int = 0, data_range: float = 1.0, reduction: str = "mean"
    ) -> None:
        super().__init__(directions=directions, seed=seed, data_range=data_range, reduction=reduction)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return sliced_emd_loss(x, y, **self.options)


__all__ = ["SlicedEMDLoss", "sliced_emd_loss", "unit_directions"]
