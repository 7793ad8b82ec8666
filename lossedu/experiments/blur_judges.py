r"""Who is to tell two kinds of crops apart: colour discriminators, and a weighing of their spectra by hand.

The spectrum of a crop says how soft it is, and a blur multiplies it by what is known beforehand.  Where numbers are
exact, nothing is lost that a logarithm could not bring back: so `features` are the logarithms of the power in `BANDS`
rings of frequencies, beside the means of the channels, and a logistic regression weighs them.  "spectrum_8bit" gets the
blurred crops in 256 levels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import ColorDiscriminator, _validate, data
from ..data.looks import LUMA
from .blur_pictures import SIDE, Shown
from .tasks import Batches

#: Critic -> its normalisation.
CRITICS: Mapping[str, str] = {"critic": "instance", "critic_plain": "none"}

#: Spectral judge -> whether it sees 256 levels.
SPECTRA: Mapping[str, bool] = {"spectrum": False, "spectrum_8bit": True}

#: Rings of frequencies, and what is added to their power: noise of a millionth of the range.
BANDS, FLOOR = 12, 1e-12

#: What the regression adds to its loss for each squared weight; features have a standard deviation of 1.
PENALTY = 1e-5

#: Columns of a picture: the share of crops told right where every place is shown once; of places at which the
#: photograph gets the higher logit of the two; and the cross-entropy of a crop, 1 bit for a coin.
COLUMNS = ("accuracy", "ordered", "cross_entropy")

Judge = Callable[[Tensor], Tensor]


def critic(arm: str, seed: int, width: float, device: str = "cpu") -> ColorDiscriminator:
    """Return a discriminator whose first weights depend on the seed and the arm alone."""
    _validate.option("arm", arm, CRITICS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(data.derive_seed(seed, "weights") % 2**32)
        made = ColorDiscriminator(image_size=SIDE, width=width, norm=CRITICS[arm])
    return made.to(torch.device(device))


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy in nats: what a critic is trained with."""
    return F.binary_cross_entropy_with_logits(logits, labels)


def features(x: Tensor, *, levels: bool = False) -> Tensor:
    """Return what is known of crops (N, 3, H, W) by hand: (N, BANDS + 5), float64.

    The power of luma per pixel in rings of equal width up to 0.5 cycles per pixel, behind a Hann window, as logarithms;
    the means of the channels; the logarithms of red over green and of blue over green.
    """
    x = x.double()
    if levels:
        x = (x * 255).round() / 255
    luma = (x * x.new_tensor(LUMA).view(1, 3, 1, 1)).sum(dim=1)
    rows, columns = luma.shape[-2:]
    hann = torch.outer(*(torch.hann_window(n, periodic=True, dtype=x.dtype, device=x.device) for n in (rows, columns)))
    mean = (luma * hann).sum(dim=(-2, -1), keepdim=True) / hann.sum()
    power = torch.fft.fft2((luma - mean) * hann).abs().square() / (rows * columns * hann.square().mean())
    radius = torch.hypot(*torch.meshgrid(torch.fft.fftfreq(rows), torch.fft.fftfreq(columns), indexing="ij"))
    ring = (radius * 2 * BANDS).long().to(x.device)
    bands = [power[:, ring == k].mean(dim=1) for k in range(BANDS)]
    means = x.mean(dim=(-2, -1))
    ratios = ((means[:, ::2] + 0.01) / (means[:, 1:2] + 0.01)).log()
    return torch.cat([(torch.stack(bands, dim=1) + FLOOR).log(), means, ratios], dim=1)


def regression(rows: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """Return weights and bias of the logistic regression of labels (N,) in {0, 1} on rows (N, M), by Newton's method.

    Minimises the mean cross-entropy plus `PENALTY` times the squared weights of the standardised columns.
    """
    centre, spread = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-12)
    z = np.concatenate([(rows - centre) / spread, np.ones((len(rows), 1))], axis=1)
    penalty = 2 * PENALTY * np.diag([1.0] * rows.shape[1] + [1e-6])
    weights = np.zeros(z.shape[1])

    def cost(w: np.ndarray) -> float:
        return float(np.logaddexp(0, -(2 * labels - 1) * (z @ w)).mean() + w @ penalty @ w / 2)

    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(z @ weights, -500, 500)))
        slope = z.T @ (chance - labels) / len(z) + penalty @ weights
        step = np.linalg.solve((z * (chance * (1 - chance))[:, None]).T @ z / len(z) + penalty, slope)
        size = 1.0
        while cost(weights - size * step) > cost(weights) and size > 1e-6:
            size /= 2
        weights = weights - size * step
        if float(np.abs(slope).max()) < 1e-9:
            break
    return weights[:-1] / spread, float(weights[-1] - (weights[:-1] / spread) @ centre)


def spectral(arm: str, batch_at: Batches, count: int) -> Judge:
    """Return a judge of crops that has learnt from so many batches."""
    levels = SPECTRA[arm]
    pairs = [batch_at(step) for step in range(count)]
    rows = torch.cat([features(x, levels=levels) for x, _ in pairs]).cpu().numpy()
    labels = torch.cat([y[:, 0] for _, y in pairs]).cpu().numpy().astype(np.float64)
    weights, bias = regression(rows, labels)
    return lambda x: features(x, levels=levels) @ x.new_tensor(weights, dtype=torch.float64) + bias


def by_network(network: nn.Module, device: str = "cpu") -> Judge:
    """Return a trained critic as a judge of crops: logits (N,)."""
    return lambda x: network(x.to(device))[:, 0].cpu()


@torch.no_grad()
def judged(judge: Judge, shown: Sequence[Shown]) -> np.ndarray:
    """Return one row a photograph, columns as in `COLUMNS`."""
    return np.array([_row(torch.stack([judge(kind) for kind in one.crops]), one.real) for one in shown])


def _row(logits: Tensor, real: Tensor) -> list[float]:
    logits = logits.double()
    own = torch.where(real, logits[1], -logits[0])  # above 0 where it is right
    right = (own > 0).double() + 0.5 * (own == 0)
    above = logits[1] - logits[0]
    ordered = (above > 0).double() + 0.5 * (above == 0)
    bits: Any = F.softplus(-own) / np.log(2)
    return [float(part.mean()) for part in (right, ordered, bits)]
