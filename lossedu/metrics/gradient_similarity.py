r"""GMSD: how unevenly the edges of an image agree with those of the reference.

Xue, Zhang, Mou and Bovik, "Gradient magnitude similarity deviation" (2014).  With the lengths :math:`m_x, m_y` of the
Prewitt gradients of both images, halved in size,

.. math:: \mathrm{GMS} = \frac{2 m_x m_y + T}{m_x^2 + m_y^2 + T}, \qquad
   \mathrm{GMSD} = \sqrt{\frac{1}{n-1}\sum_p \bigl(\mathrm{GMS}(p) - \overline{\mathrm{GMS}}\bigr)^2}, \qquad T = 170.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import _validate
from .luma import average_down, large_enough, luma, on_peak_scale
from .magnitudes import length

#: Keeps the ratio quiet where there are no edges; for images in 0 ... 255.
T = 170.0

#: Weights along and across a difference of two pixels, divided by 3 (Prewitt) or by 16 (Scharr).
PREWITT = (1 / 3, 1 / 3, 1 / 3)
SCHARR = (3 / 16, 10 / 16, 3 / 16)


def gradient_length(x: Tensor, smoothing: tuple[float, float, float]) -> Tensor:
    """Return the length of the gradient by a 3 x 3 stencil, with zeros outside the image: (N, 1, H, W) to the same."""
    smooth = x.new_tensor(smoothing)
    across = smooth[:, None] * x.new_tensor((-1.0, 0.0, 1.0))
    slopes = F.conv2d(x, torch.stack((across, across.T))[:, None], padding=1)
    return length(slopes[:, :1], slopes[:, 1:])


def disagreement(a: Tensor, b: Tensor, constant: float) -> Tensor:
    r"""Return :math:`1 - \frac{2ab+T}{a^2+b^2+T} = \frac{(a-b)^2}{a^2+b^2+T}`, which is exactly 0 for a = b."""
    return (a - b).square() / (a.square() + b.square() + constant)


def gmsd(x: Tensor, y: Tensor, *, data_range: float = 1.0, reduction: str = "mean") -> Tensor:
    r"""Gradient magnitude similarity deviation (Xue et al., 2014): the standard deviation of GMS over the pixels.

    Parameters
    ----------
    x, y : Tensor
        Processed image and reference, (N, C, H, W) with C = 1 or 3 and at least 3 x 3 pixels.
    data_range : float
        Width of the nominal range: 1.0 for images in [0, 1], 255 for 0 ... 255.
    reduction : {"mean", "sum", "none"}
        Over the batch; "none" gives shape (N,).

    Returns
    -------
    Tensor
        At least 0, lower is better; 0 for equal images, with gradient 0.  Most distorted photographs stay below 0.35;
        about 0.5, the most that can be, has an image of which one half agrees with the reference and the other does
        not at all.  Symmetric.  float32 for half-precision input.

    Raises
    ------
    TypeError, ValueError
        For no floating (N, C, H, W) pair, other channels than 1 or 3, images below 3 x 3, or `data_range` not above 0.

    Notes
    -----
    Convention: the authors' MATLAB program.  YIQ luma, not rounded to 8 bits; averages of 2 x 2 pixels and gradients
    with zeros outside the image, so that its border counts as an edge; sample standard deviation (n - 1).  Multiply by
    :math:`\sqrt{(n-1)/n}` with n the number of 2 x 2 squares for libraries with the population's.
    Equally bad everywhere is as good as perfect: GMSD measures how uneven the damage is.

    Examples
    --------
    >>> x = torch.full((1, 1, 16, 16), 0.5)
    >>> gmsd(x, x).item()
    0.0
    """
    x, y = on_peak_scale(x, y, data_range)
    large_enough(x.shape[-2:], 3, "(2 x 2 after halving)")
    with torch.autocast(x.device.type, enabled=False):
        halves = average_down(luma(torch.cat((x, y))), 2)
        m_x, m_y = gradient_length(halves, PREWITT).chunk(2)
        # 1 - GMS has the same deviation, and no digits to lose where the images agree
        values = disagreement(m_x, m_y, T).flatten(1)
        centred = values - values.mean(dim=1, keepdim=True)
        deviation = torch.linalg.vector_norm(centred, dim=1) / (values.shape[1] - 1) ** 0.5
    return _validate.reduce(deviation, reduction)


__all__ = ["disagreement", "gmsd", "gradient_length"]
