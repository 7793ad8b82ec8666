r"""How hard the two terms of Mix pull on the pixels of a patch, and what that makes of a weight.

A pull is the sum of the sizes of a loss's gradient over the pixels of one patch, its 1-norm.  Where no pixel is exactly
right, that of a weighted mean of absolute errors is 1 whatever the error is: what varies is the other term.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from .. import data, l1_loss, ms_ssim_sigma_loss, ssim_loss
from ..filters import gaussian_window
from ..losses.multiscale import SIGMAS
from .arms import Loss

#: Photographs that patches are cut from, and the side of a patch.
NAMES, SIDE = ("astronaut", "chelsea", "coffee"), 31

#: MS-SSIM in the form of the paper: one window for each scale, as large as the patch.
MS_SSIM: Loss = partial(ms_ssim_sigma_loss, form="patch")

#: The other term of Gaussian splatting, D-SSIM; its code puts zeros round the picture, here the border is mirrored.
D_SSIM: Loss = partial(ssim_loss, padding="reflect")

#: Its weight in Gaussian splatting.
SPLATTING = 0.2


def patches(count: int = 60, *, seed: int = 0) -> Tensor:
    """Return patches of three photographs, (count, 3, 31, 31), float64, at places that the seed draws."""
    generator = torch.Generator().manual_seed(seed)
    photos = [data.photograph(name).double() for name in NAMES]
    found = []
    for place in range(count):
        photo = photos[place % len(photos)]
        top, left = (int(torch.randint(side - SIDE, (), generator=generator)) for side in photo.shape[-2:])
        found.append(data.crop(photo, top, left, SIDE))
    return torch.cat(found)


def noise(like: Tensor, *, seed: int = 1) -> Tensor:
    """Return white noise of standard deviation 1."""
    return torch.randn(like.shape, generator=torch.Generator().manual_seed(seed), dtype=like.dtype)


def pull(loss: Loss, x: Tensor, y: Tensor, *, order: float = 1) -> Tensor:
    """Return the norm of the gradient in the pixels of x, one number a patch, (N,); order 1 adds up sizes.

    The loss is a mean over its batch, as all of the package are.
    """
    leaf = x.detach().clone().requires_grad_()
    (grad,) = torch.autograd.grad(loss(leaf, y) * len(x), leaf)
    return torch.linalg.vector_norm(grad.flatten(1), ord=order, dim=1)


def pull_of_l1(x: Tensor, y: Tensor) -> Tensor:
    """Return the pull of the mean absolute error, 1 where no pixel is exactly right."""
    return pull(l1_loss, x, y)


def share(strength: float, alpha: float, unit: float = 1.0) -> float:
    r"""Return the share of a term of pull m and weight alpha beside :math:`\ell_1` in steps of 1/unit.

    :math:`\alpha m / (\alpha m + (1-\alpha) R)`, with R the `unit`: 1 for values in [0, 1], 255 for 0 to 255.
    """
    return alpha * strength / (alpha * strength + (1 - alpha) * unit)


def same_weight(alpha: float, unit: float) -> float:
    r"""Return the weight that does on [0, 1] what `alpha` does with :math:`\ell_1` in 0 to `unit`."""
    return alpha / (alpha + (1 - alpha) * unit)


def weight_for(wanted: float, strength: float) -> float:
    """Return the weight at which a term of this pull has the share that is wanted."""
    return wanted / (wanted + (1 - wanted) * strength)


def flat_pull(deviation: float) -> float:
    r"""Return what MS-SSIM pulls with on flat ground under white noise, worked out by hand.

    .. math:: m(s) \approx 2\sqrt{\tfrac2\pi}\, s \prod_{j=1}^M \frac{C_2}{v_j s^2 + C_2}
       \sum_{j=1}^M \frac{\sqrt{v_j}}{v_j s^2 + C_2}, \qquad v_j = 1 - \sum_q G_j(q)^2.
    """
    c2 = 0.03**2
    kept = []
    for sigma in SIGMAS:
        line = gaussian_window(sigma, SIDE)
        kept.append(1 - float(line.square().sum()) ** 2)
    variances = [v * deviation**2 + c2 for v in kept]
    product = math.prod(c2 / below for below in variances)
    terms = sum(math.sqrt(v) / below for v, below in zip(kept, variances, strict=True))
    return 2 * math.sqrt(2 / math.pi) * deviation * product * terms
