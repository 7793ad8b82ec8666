"""Losses for pairs that do not register, written down as they were published: slow, pair by pair."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor


def _number(value: Tensor) -> float:
    return value.detach().item()


def min_shift(x: Tensor, y: Tensor, shift: int) -> Tensor:
    """The least mean square error over translations by whole pixels, one value an image, with its gradient."""
    found = []
    for a, b in zip(x, y, strict=True):
        _, height, width = a.shape
        costs = []
        for u, v in itertools.product(range(-shift, shift + 1), repeat=2):
            total = a.new_zeros(())
            for i in range(shift, height - shift):
                for j in range(shift, width - shift):
                    total = total + ((a[:, i, j] - b[:, i + u, j + v]) ** 2).sum()
            costs.append(total / (len(a) * (height - 2 * shift) * (width - 2 * shift)))
        found.append(min(costs, key=_number))
    return torch.stack(found)


def contextual(x: Tensor, y: Tensor, h: float, eps: float) -> Tensor:
    """Equations (1)-(4) of Mechrez et al. (2018), and the loss, one value an image, with loops over i and j."""
    found = []
    for a, b in zip(x, y, strict=True):
        xs, ys = a.flatten(1).T, b.flatten(1).T
        mu = sum(ys) / len(ys)
        rows = []
        for p in xs:
            d = [1 - (p - mu) @ (q - mu) / ((p - mu).norm() * (q - mu).norm()) for q in ys]
            least = min(d, key=_number)
            w = [((1 - one / (least + eps)) / h).exp() for one in d]
            rows.append([one / sum(w) for one in w])
        cx = sum(max((row[j] for row in rows), key=_number) for j in range(len(ys))) / len(ys)
        found.append(-torch.log(torch.as_tensor(cx)))
    return torch.stack(found)


def log_of_share(features: list[tuple[float, ...]]) -> float:
    """log(P/Q): what equal maps cost whose P features have Q directions, all far from each other."""
    return math.log(len(features) / len(set(features)))
