r"""A regulariser in the training loss of a network, against the same regulariser applied to its output.

For a network that sees z and is trained with :math:`\ell_2 + c\,\mathrm{TV}`, the expected loss of an output x is

.. math:: \mathrm E\,\overline{(x-y)^2} + c\,\mathrm{TV}(x)
   = \overline{(x - \mathrm E[y|z])^2} + c\,\mathrm{TV}(x) + \text{const}.

The best x is therefore the posterior mean, denoised by `variational.rof` with w = c/2.  A network that is trained with
:math:`\ell_2` alone stands for the posterior mean: what does TV in the loss do, and what does TV do to its output?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from .. import mse_loss, tv_loss
from ..metrics import psnr
from ..sweeps import Place
from ..variational import mean_weight, rof, tikhonov
from . import trial
from .residuals import flat_mask
from .scales import QUICK
from .tasks import Network, restore

#: Arm -> kind and weight c of the regulariser beside the mean squared error.
ARMS: Mapping[str, tuple[str, float]] = {"l2_tv": ("isotropic", 0.04), "l2_squared": ("squared", 2.0)}


def loss(arm: str) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the training loss of an arm: mean squared error plus c times `tv_loss` of the output."""
    kind, weight = ARMS[arm]
    return lambda x, y: mse_loss(x, y) + weight * tv_loss(x, kind=kind)


def applied(arm: str, picture: Tensor) -> Tensor:
    """Return what the regulariser of an arm makes of a picture, with w = c/2."""
    kind, weight = ARMS[arm]
    half = mean_weight(weight)
    return tikhonov(picture, half) if kind == "squared" else rof(picture.double(), half, tol=1e-4).image.to(picture)


def trial_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a trial: 16 filters, denoising and demosaicking."""
    own = {"arm": "l2", "task": "dd", "seed": options["seed"], "lr": 2e-3, "steps": options["steps"]}
    return {**QUICK.options(), "photographs": options["photographs"], **own, "deep_every": 0}


def trained(options: Mapping[str, Any], place: Place, name: str, loss: Callable[[Tensor, Tensor], Tensor]) -> Network:
    """Return a network trained with a loss: first weights, crops and noise are the same for all losses."""
    network = trial.new_network(options, place.device)
    trial.fit(network, options, place, loss=loss, name=name)
    return network.eval()


def train_and_measure(options: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """Train the network of an arm and one with l2 alone, and compare both on the first test picture."""
    arm, common = options["arm"], trial_options(options)
    networks = trained(common, place, "plain", mse_loss), trained(common, place, "network", loss(arm))
    _, seen, clean = trial.pairs(common, "test", 1)[0]
    plain, out = (restore(network, seen.to(place.device)).cpu() for network in networks)
    forecast = applied(arm, plain)
    return {
        "plain": measured(plain, clean),
        "network": measured(out, clean),
        "applied": measured(forecast, clean),
        **agreement(out - plain, forecast - plain),
    }


def agreement(change: Tensor, forecast: Tensor) -> dict[str, float]:
    """Return how a change agrees with the one forecast: their correlation, and the slope of the first on the second.

    Both are 1 where the regulariser in the loss does to the network what it does to its output.
    """
    product, energy = float((change * forecast).sum()), float(forecast.square().sum())
    found = {"agreement": product / float(change.norm() * forecast.norm()), "strength": product / energy}
    return {name: float(f"{value:.5g}") for name, value in found.items()}


def measured(x: Tensor, y: Tensor) -> dict[str, float]:
    """Return PSNR, total variation, fine detail that is left (`detail`, 1 is all) and the error in flat regions."""
    fine_x, fine_y = (z - F.avg_pool2d(z, 9, 1, 4, count_include_pad=False) for z in (x, y))
    flat = flat_mask(y).expand_as(y)
    found = {
        "psnr": float(psnr(x, y)),
        "tv": float(tv_loss(x, kind="isotropic") / tv_loss(y, kind="isotropic")),
        "detail": float((fine_x * fine_y).sum() / fine_y.square().sum()),
        "flat": float((x - y)[flat].square().mean().sqrt()),
    }
    return {name: float(f"{value:.5g}") for name, value in found.items()}
