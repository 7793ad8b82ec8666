"""The pictures of the blind test: eight kinds of damage of nearly one mean square error, in twenty pairs.

Five photographs, and on each of them the eight kinds in four pairs: every kind is seen once on every photograph, and
meets five of the seven others.  The two pictures of a pair differ by about `GAP` decibels, which is a tenth of the
squared error.  Which one is ahead is set turn and turn about, so that every kind is ahead in two or three of its five
pairs: no kind may win because it was made a little weaker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import data
from ..filters import gaussian_blur
from ..losses import l1_loss, ms_ssim, ssim
from ..metrics import fsim, gmsd, iw_ssim
from ..preferences import wilson

#: Side of a picture, and pixels around it that a moved or blurred one takes its border from.
SIDE, RIM = 72, 16
#: PSNR of all pictures, and by how much those of a pair differ; decibels.
LEVEL, GAP = 26.0, 0.4
#: Photograph -> whether it is taken at half its size, and the top left corner of the crop in what is then there.
CROPS: Mapping[str, tuple[bool, int, int]] = {
    "astronaut": (True, 30, 70),
    "camera": (True, 40, 80),
    "chelsea": (True, 20, 60),
    "coffee": (True, 60, 120),
    "rocket": (True, 110, 130),
}

Damage = Callable[[Tensor, float, int], Tensor]


def _moved(y: Tensor, pixels: float, seed: int) -> Tensor:
    """Shift to the right, between pixels by the four nearest ones."""
    step = 2 * pixels / y.shape[-1]
    theta = torch.tensor([[[1.0, 0.0, -step], [0.0, 1.0, 0.0]]], dtype=y.dtype)
    grid = F.affine_grid(theta, list(y.shape), align_corners=False)
    return F.grid_sample(y, grid, mode="bicubic", padding_mode="reflection", align_corners=False)


def _specks(y: Tensor, strength: float, seed: int) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    draw = torch.rand(y.shape, generator=rng, dtype=torch.float64).to(y)
    return y + strength * ((draw < 0.008).to(y) - (draw > 0.992).to(y))


def _coded(y: Tensor, strength: float, seed: int) -> Tensor:
    """Return the error of JPEG at the quality that comes closest, made a little stronger or weaker."""
    low, high = 4, 60
    while high - low > 1:  # the lower the quality, the stronger the error
        quality = (low + high) // 2
        low, high = (quality, high) if _rms(data.jpeg(y, quality=quality) - y) > strength else (low, quality)
    error = data.jpeg(y, quality=low) - y
    return y + error * strength / _rms(error)


def _rms(error: Tensor) -> float:
    return float(inner(error).square().mean().sqrt())


def _noise(y: Tensor, strength: float, seed: int, *, length: float) -> Tensor:
    return y + data.correlated_noise(y.shape, length=length, std=strength, seed=seed, dtype=y.dtype)


#: Name -> ``damage(picture with its rim, strength, seed)`` and the largest strength.
KINDS: Mapping[str, tuple[Damage, float]] = {
    "brighter": (lambda y, s, seed: y + s, 0.3),
    "less contrast": (lambda y, s, seed: inner(y).mean() + (1 - s) * (y - inner(y).mean()), 1.0),
    "moved": (_moved, 8.0),
    "blurred": (lambda y, s, seed: gaussian_blur(y, s), 6.0),
    "grain": (partial(_noise, length=0.0), 0.3),
    "splotches": (partial(_noise, length=5.0), 0.3),
    "JPEG": (_coded, 0.3),
    "specks": (_specks, 1.0),
}

#: Name -> metric of each picture, larger is better.  What refuses less than 161 pixels gets mirrored pictures.
#: Squared error is left out: which picture it prefers was set by `choices`, so it would only repeat that list.
METRICS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "ℓ1": lambda x, y: -l1_loss(x, y, reduction="none"),
    "SSIM": partial(ssim, reduction="none"),
    "MS-SSIM": lambda x, y: ms_ssim(_mirrored(x), _mirrored(y), reduction="none"),
    "GMSD": lambda x, y: -gmsd(x, y, reduction="none"),
    "FSIM": partial(fsim, reduction="none"),
    "IW-SSIM": lambda x, y: iw_ssim(_mirrored(x), _mirrored(y), reduction="none"),
}


class Choice(NamedTuple):
    """One of the twenty: a photograph, two kinds of damage, the two pictures, and which one each metric prefers."""

    photograph: str
    kinds: tuple[str, str]
    pictures: tuple[Tensor, Tensor]
    preferred: dict[str, int]


def inner(x: Tensor) -> Tensor:
    """Return a picture without its rim."""
    return x[..., RIM:-RIM, RIM:-RIM]


def _mirrored(x: Tensor) -> Tensor:
    return F.pad(x, [(176 - SIDE) // 2] * 4, mode="reflect")


@cache
def with_rim(name: str) -> Tensor:
    """Return the crop of a photograph with its rim, (1, 1, 104, 104), float64."""
    halved, top, left = CROPS[name]
    photo = data.photograph(name, gray=True).double()
    return data.crop(data.downsample2(photo) if halved else photo, top - RIM, left - RIM, SIDE + 2 * RIM)


def stored(x: Tensor) -> Tensor:
    """Return the picture in whole 255ths, as a file keeps it."""
    return (x.clamp(0, 1) * 255).round() / 255


def reference(name: str) -> Tensor:
    """Return the undamaged crop of a photograph, (1, 1, 72, 72)."""
    return stored(inner(with_rim(name)))


def damaged(name: str, kind: str, decibels: float) -> Tensor:
    """Return a crop under a kind of damage that is as strong as this PSNR says, (1, 1, 72, 72)."""
    damage, high = KINDS[kind]
    whole, clean, seed = with_rim(name), reference(name), data.derive_seed("observer", name, kind)
    low, wanted = 0.0, 10 ** (-decibels / 10)
    for _ in range(24):
        strength = (low + high) / 2
        x = inner(damage(whole, strength, seed)).clamp(0, 1)
        low, high = (low, strength) if float((x - clean).square().mean()) > wanted else (strength, high)
    return stored(x)


def rounds() -> list[list[tuple[str, str]]]:
    """Return five sets of four pairs: in each set every kind once, and no pair of kinds twice.

    One kind stays, the others walk round a table: a tournament of eight has seven rounds, of which five are taken.
    """
    stays, *table = KINDS
    found = []
    for turn in range(len(CROPS)):
        around = [stays, *table[turn:], *table[:turn]]
        found.append([(around[k], around[-1 - k]) for k in range(len(around) // 2)])
    return found


def scores(pairs: Tensor, references: Tensor) -> dict[str, Tensor]:
    """Return what every metric says of pairs (K, 2, 1, H, W) beside their references (K, 1, H, W): (K, 2) each."""
    x, y = pairs.flatten(0, 1), references.repeat_interleave(2, dim=0)
    return {name: metric(x, y).view(-1, 2) for name, metric in METRICS.items()}


@cache
def choices() -> tuple[Choice, ...]:
    """Return the twenty choices, photograph by photograph."""
    plan = [
        # who walks round the table comes to odd and even places in turn; who stays is ahead in every other round
        (name, kinds, (place or turn) % 2 == 0)
        for turn, name in enumerate(CROPS)
        for place, kinds in enumerate(rounds()[turn])
    ]
    pairs = []
    for name, kinds, first_leads in plan:
        ahead = GAP / 2 if first_leads else -GAP / 2
        pairs.append([damaged(name, kind, LEVEL + gap) for kind, gap in zip(kinds, (ahead, -ahead), strict=True)])
    said = scores(torch.stack([torch.cat(pair) for pair in pairs]), torch.cat([reference(name) for name, _, _ in plan]))
    preferred = {metric: (values[:, 1] > values[:, 0]).int().tolist() for metric, values in said.items()}
    return tuple(
        Choice(name, kinds, (first, second), {metric: sides[k] for metric, sides in preferred.items()})
        for k, ((name, kinds, _), (first, second)) in enumerate(zip(plan, pairs, strict=True))
    )


def told_apart_by_chance(tests: int = 4000, *, coins: bool = False, seed: int = 0) -> float:
    """Return how often twenty choices tell at least one metric from a coin although they know of none.

    They follow a ranking of the kinds of damage, drawn at random for each test: the observer always chooses the kind
    that stands first, and is no coin, since each kind comes five times.  With `coins` every choice is tossed.
    """
    rng, kinds = torch.Generator().manual_seed(seed), list(KINDS)
    if coins:
        chosen = torch.randint(2, (tests, len(choices())), generator=rng).int()
    else:
        places = torch.rand(tests, len(kinds), generator=rng).argsort(dim=1)
        first, second = (torch.tensor([kinds.index(c.kinds[k]) for c in choices()]) for k in (0, 1))
        chosen = (places[:, second] < places[:, first]).int()
    said = torch.tensor([list(c.preferred.values()) for c in choices()])
    agreed = (chosen[:, :, None] == said).sum(dim=1)
    ends = [wilson(k, len(said)) for k in range(len(said) + 1)]
    beyond = torch.tensor([end.low > 0.5 or end.high < 0.5 for end in ends])
    return float(beyond[agreed].any(dim=1).double().mean())
