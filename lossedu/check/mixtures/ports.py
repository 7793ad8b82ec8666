"""MS-SSIM with an absolute error by one grouped convolution, with its masks in either order: one of them is wrong.

A grouped convolution gives each channel a contiguous block of the masks.  With five masks for each of three channels in
the order "first width three times, second width three times, …" the first channel gets the widths .5 .5 .5 1 1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...filters import gaussian_window
from ...losses.multiscale import SIGMAS

#: Which masks stand side by side: those of one width, or those of one channel.
ORDERS = ("by width", "by channel")


def grouped_mix(
    x: Tensor,
    y: Tensor,
    *,
    alpha: float = 0.025,
    order: str = "by channel",
    together: bool = False,
    luminance: int = -1,
    last_bright: bool | None = None,
    last_masks: bool = False,
) -> Tensor:
    """Return Mix of pictures of three channels, with 33 taps for every width and zeros beyond the border.

    `together` multiplies over all channels instead of averaging over them; `luminance` says which width's is taken.
    With the masks "by width" and all together it is the port that went round for years, without its factor of 200.
    `last_bright` takes the last three luminance maps of all, as the port does, `last_masks` the last three masks for
    the absolute error: with the masks "by channel" these are three widths of blue, and no longer one of three channels.
    """
    lines = [gaussian_window(sigma, 33).to(x) for sigma in SIGMAS]
    masks = torch.stack([torch.outer(line, line) for line in lines])
    masks = masks.repeat_interleave(3, 0) if order == "by width" else masks.repeat(3, 1, 1)
    scales = len(SIGMAS)

    def blur(z: Tensor) -> Tensor:
        return F.conv2d(z, masks[:, None], padding=16, groups=3)

    mx, my = blur(x), blur(y)
    vx, vy, cov = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
    bright = (2 * mx * my + 0.01**2) / (mx * mx + my * my + 0.01**2)
    shape = (2 * cov + 0.03**2) / (vx + vy + 0.03**2)
    last = together if last_bright is None else last_bright
    bright = bright[:, -3:] if last else bright.unflatten(1, (3, scales))[:, :, luminance]
    if together:
        index = bright.prod(dim=1) * shape.prod(dim=1)
    else:
        index = (bright * shape.unflatten(1, (3, scales)).prod(dim=2)).mean(dim=1)
    widest = masks[-3:, None] if last_masks else torch.outer(lines[-1], lines[-1]).expand(3, 1, 33, 33)
    absolute = F.conv2d((x - y).abs(), widest, padding=16, groups=3).mean(dim=1)
    return (alpha * (1 - index) + (1 - alpha) * absolute).mean()
