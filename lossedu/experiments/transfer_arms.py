r"""The losses of `color_transfer`, by name.

=================  ====================================================================================================
paired             mean square error to the picture as it was: what this network reaches where pairs are known
histogram          exact histogram distance of each output to the histogram of one other scene
pooled             the same of all outputs of a batch together and all real pictures of the batch together
color              WESPE's colour critic alone: instance normalisation, blur of variance 3, no penalty
color_slow         the same, the critic's step size as published: that of the generator
color_r1           as `color`, with R1
plain              a colour critic without normalisation
plain_r1           the same with R1; _01 and _10: with a tenth and ten times the weight
spectral           the same as `plain`, every layer divided by its largest singular value
unblurred          as `plain_r1`, the critic sees pictures as they are
blur_dped          as `plain_r1`, blurred with the window of DPED's code
swapped            as `plain_r1`, and the *inputs* are called real, as the post prints it
wespe              the four terms, with critics and their step size as published
full               content, colour, texture (a critic of luma, unblurred), total variation; critics as in `plain_r1`
no_content ...     `full` without one of its terms
=================  ====================================================================================================
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import (
    ColorDiscriminator,
    PerceptualLoss,
    _validate,
    color_blur,
    histogram_emd_loss,
    mse_loss,
    r1_penalty,
    tv_loss,
)
from ..data.looks import LUMA
from ..training.adversarial import Terms

#: Width of the critics, of the papers' filters.
WIDTH = 0.25

#: Layer of the content term.  WESPE has relu5_4 of VGG-19.
LAYER = "relu5_3"

#: Weight of R1.  The source has 10; its critics see other sizes, and the penalty is a sum over pixels.
GAMMA = 1.0


class Arm(NamedTuple):
    """Weights of the generator's terms, and what its colour critic is."""

    color: float = 0.0
    texture: float = 0.0
    content: float = 0.0
    variation: float = 0.0
    blur: str = "wespe"
    norm: str = "instance"
    spectral: bool = False
    gamma: float = 0.0
    swapped: bool = False
    critic_lr: float = 1e-3
    rival: str = ""


CONTENT, VARIATION = 5.0, 0.1
_COLOR = Arm(color=1.0)
_PLAIN = _COLOR._replace(norm="none")
_R1 = _PLAIN._replace(gamma=GAMMA)
_FULL = _R1._replace(texture=1.0, content=CONTENT, variation=VARIATION)

ARMS: Mapping[str, Arm] = {
    "paired": Arm(rival="paired"),
    "histogram": Arm(rival="histogram"),
    "pooled": Arm(rival="pooled"),
    "color": _COLOR,
    "color_slow": _COLOR._replace(critic_lr=5e-4),
    "color_r1": _COLOR._replace(gamma=GAMMA),
    "plain": _PLAIN,
    "plain_r1_01": _R1._replace(gamma=0.1 * GAMMA),
    "plain_r1": _R1,
    "plain_r1_10": _R1._replace(gamma=10 * GAMMA),
    "spectral": _PLAIN._replace(spectral=True),
    "unblurred": _R1._replace(blur="none"),
    "blur_dped": _R1._replace(blur="dped"),
    "swapped": _R1._replace(swapped=True),
    "wespe": _FULL._replace(norm="instance", gamma=0.0, critic_lr=5e-4),
    "full": _FULL,
    "no_content": _FULL._replace(content=0.0),
    "no_color": _FULL._replace(color=0.0),
    "no_texture": _FULL._replace(texture=0.0),
    "no_variation": _FULL._replace(variation=0.0),
}


def blurred(arm: Arm, x: Tensor) -> Tensor:
    """Return what the colour critic sees."""
    return x if arm.blur == "none" else color_blur(x, preset=arm.blur)


def grey(x: Tensor) -> Tensor:
    """Return what the texture critic sees: the luma."""
    return (x * torch.tensor(LUMA, dtype=x.dtype, device=x.device).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


def critics(arm: Arm, side: int) -> nn.ModuleDict:
    """Return the critics of an arm, for crops of `side` pixels."""
    found = nn.ModuleDict()
    if arm.color:
        seen = side if arm.blur == "none" else side - 20
        found["color"] = ColorDiscriminator(image_size=seen, width=WIDTH, norm=arm.norm, spectral=arm.spectral)
    if arm.texture:
        found["texture"] = ColorDiscriminator(
            image_size=side, channels=1, width=WIDTH, norm=arm.norm, spectral=arm.spectral
        )
    return found


def views(arm: Arm) -> dict[str, Callable[[Tensor], Tensor]]:
    """Return what each critic of an arm is shown of a picture."""
    found: dict[str, Callable[[Tensor], Tensor]] = {}
    if arm.color:
        found["color"] = functools.partial(blurred, arm)
    if arm.texture:
        found["texture"] = grey
    return found


def critic_terms(arm: Arm, judges: nn.ModuleDict, output: Tensor, x: Tensor, real: Tensor) -> Terms:
    """Return the critics' losses and penalties by name."""
    found: dict[str, Tensor] = {}
    taken = x if arm.swapped else real
    for name, view in views(arm).items():
        judge, truth = judges[name], view(taken)
        found[name] = F.softplus(-judge(truth)).mean() + F.softplus(judge(view(output))).mean()
        if arm.gamma:
            found[f"{name}_r1"] = arm.gamma * r1_penalty(judge, truth)
    return found


def generator_terms(
    arm: Arm, judges: nn.ModuleDict, content: Callable[[Tensor, Tensor], Tensor] | None, output: Tensor, x: Tensor
) -> dict[str, Tensor]:
    """Return the weighted terms of the generator's loss that need no target, by name."""
    found: dict[str, Tensor] = {}
    for name, view in views(arm).items():
        judge = judges[name]
        state = {key: value.detach() for key, value in judge.named_parameters()}
        state |= {key: value.clone() for key, value in judge.named_buffers()}
        logits = torch.func.functional_call(judge, state, (view(output),))
        found[name] = getattr(arm, name) * F.softplus(-logits).mean()
    if arm.content and content is not None:
        found["content"] = arm.content * content(output, x)
    if arm.variation:
        found["variation"] = arm.variation * tv_loss(output)
    return found


def rival_term(arm: Arm, output: Tensor, y: Tensor, real: Tensor) -> Tensor:
    """Return the loss of an arm without a critic."""
    _validate.option("rival", arm.rival, ("paired", "histogram", "pooled"))
    if arm.rival == "paired":
        return mse_loss(output, y)
    if arm.rival == "histogram":
        return histogram_emd_loss(output, real, kernel="sort")
    return histogram_emd_loss(*(z.transpose(0, 1).flatten(1)[None, :, None] for z in (output, real)), kernel="sort")


def content_term(device: str, precision: str) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the distance of deep features; of the first picture of a batch, since crops are drawn at random."""
    seen = PerceptualLoss((LAYER,)).to(torch.device(device))

    def distance(output: Tensor, x: Tensor) -> Tensor:
        with torch.autocast(output.device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            found: Tensor = seen(output[:1], x[:1])
        return found

    return distance
