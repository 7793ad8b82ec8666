r"""CHOICE: what a loss wants to see when several answers are plausible.

A network trained on pairs learns, for each input, to minimise the loss averaged over the targets that go with it.
The minimiser is the *Bayes act*.  Finding it directly, pixel by pixel, needs no network and has none of a network's
confounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .. import _validate


def bayes_act(
    loss: Callable[[Tensor, Tensor], Tensor],
    samples: Tensor,
    weights: Sequence[float] | Tensor | None = None,
    *,
    steps: int = 500,
    lr: float = 0.05,
    init: Tensor | None = None,
) -> Tensor:
    r"""Return the image with the least expected loss, :math:`\arg\min_x \sum_k w_k\,\mathcal L(x, y_k)`.

    Parameters
    ----------
    loss : callable
        Any ``loss(x, y)`` that returns a scalar tensor, called with single images (1, C, H, W).
    samples : Tensor
        The K plausible answers, (K, C, H, W), floating.
    weights : sequence of float, optional
        Their probabilities, at least 0; normalised to sum 1.  Equal when left out.
    steps : int
        Steps of Adam.
    lr : float
        First step size in intensity units; it falls to 0 along a cosine.  Adam moves a pixel by about `lr` a step at
        most, so the search reaches ``lr * steps / 2`` intensity units from its start: 12.5 by default.  Raise one of
        them for images in 0 … 255.
    init : Tensor, optional
        Where to start, (1, C, H, W); the weighted mean of the samples when left out.

    Returns
    -------
    Tensor
        (1, C, H, W), the best image met on the way, without a graph.

    Raises
    ------
    TypeError, ValueError
        If `samples` or `init` is no floating image tensor or has another shape, weights do not fit or are negative,
        or `loss` does not return a single number that depends on x, or it is not finite at the start.

    Notes
    -----
    Convention: the search is local.  For l2 it returns the mean of the samples, for l1 their median; for losses with
    several minima (SSIM) the result depends on `init`.
    """
    _validate.function("loss", loss)
    _validate.image("samples", samples)
    steps, lr = _validate.count("steps", steps), _validate.positive("lr", lr)
    share = torch.ones(len(samples)) if weights is None else _validate.numbers("weights", weights)
    share = share.to(samples.device, _validate.working_dtype(samples))
    if share.shape != (len(samples),) or not (bool((share >= 0).all()) and 0 < float(share.sum()) < math.inf):
        raise ValueError(f"weights must be {len(samples)} numbers of at least 0, one for each sample, got {weights!r}")
    if init is not None:
        _validate.image("init", init)
        if init.shape != (1, *samples.shape[1:]):
            raise ValueError(f"init must have shape {(1, *samples.shape[1:])}, got {tuple(init.shape)}")
    with torch.inference_mode(False), torch.enable_grad():  # the search needs gradients wherever it is called
        share = share / share.sum()
        samples = samples.detach().to(share.dtype).clone()
        start = (share.view(-1, 1, 1, 1) * samples).sum(dim=0, keepdim=True) if init is None else init.detach()
        return _search(loss, samples, share, start.to(samples).clone(), steps, lr)


def _search(
    loss: Callable[[Tensor, Tensor], Tensor], samples: Tensor, share: Tensor, x: Tensor, steps: int, lr: float
) -> Tensor:
    """Descend from `x` with Adam and return the best image met."""
    x.requires_grad_()
    optimiser = torch.optim.Adam([x], lr=lr)
    decay = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps)))
    best, least = x.detach().clone(), math.inf
    pairs = [(w, y[None]) for w, y in zip(share, samples, strict=True) if w > 0]
    for step in range(steps + 1):
        expected = torch.stack([w * _validate.one_number("loss", loss(x, y)) for w, y in pairs]).sum()
        value = float(expected.detach())
        if step == 0 and not math.isfinite(value):
            raise ValueError(f"loss must be finite at the start, got {value}; start elsewhere with init=")
        if not expected.requires_grad:
            raise ValueError("loss must be differentiable in x, got a value without a gradient")
        if value < least:
            best, least = x.detach().clone(), value
        if step == steps:
            break
        (x.grad,) = torch.autograd.grad(expected, x)
        optimiser.step()
        decay.step()
    return best
