"""A weighted sum of losses that remembers its terms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real

from torch import Tensor, nn

Loss = Callable[[Tensor, Tensor], Tensor]


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


class WeightedLoss(nn.Module):
    r"""Sum of losses :math:`\sum_k w_k \mathcal L_k(x, y)`, each with a name.

    Parameters
    ----------
    terms : mapping of str to (float, callable)
        For each name the weight, at least 0 and not all 0, and the loss, called as ``loss(x, y)``.  Modules among them
        are registered, so that ``.to(device)`` and ``.parameters()`` reach them.

    Raises
    ------
    TypeError
        If `terms` is no mapping, or a term is not a (number, callable) pair.
    ValueError
        If there is no term, or a weight is negative or not finite.

    Examples
    --------
    >>> import torch
    >>> from lossedu.losses.pixel import l1_loss, mse_loss
    >>> loss = WeightedLoss({"mse": (0.5, mse_loss), "l1": (2.0, l1_loss)})
    >>> x, y = torch.full((1, 1, 2, 2), 0.5), torch.zeros(1, 1, 2, 2)
    >>> loss(x, y).item()
    1.125
    >>> {name: value.item() for name, value in loss.terms(x, y).items()}
    {'mse': 0.25, 'l1': 0.5}
    """

    def __init__(self, terms: Mapping[str, tuple[float, Loss]]) -> None:
        super().__init__()
        if not isinstance(terms, Mapping):
            raise TypeError(f"terms must be a dict of name: (weight, loss), got {type(terms).__name__}")
        if not terms:
            raise ValueError("terms must name at least one loss, got none; pass {'mse': (1.0, le.mse_loss)}, say")
        self.weights: dict[str, float] = {}
        self._functions: dict[str, Loss] = {}
        self._places: dict[str, int] = {}  # of the modules, which replicas and moves have to find
        self.registered = nn.ModuleList()
        for name, term in terms.items():
            if not (isinstance(term, tuple) and len(term) == 2 and _is_number(term[0]) and callable(term[1])):
                raise TypeError(f"terms[{name!r}] must be a pair (weight, loss), got {term!r}")
            if not 0 <= term[0] < math.inf:
                raise ValueError(f"terms[{name!r}] must have a finite weight of at least 0, got {term[0]}")
            self.weights[name] = float(term[0])
            if isinstance(term[1], nn.Module):
                self._places[name] = len(self.registered)
                self.registered.append(term[1])
            else:
                self._functions[name] = term[1]
        if not any(self.weights.values()):
            raise ValueError("terms must have at least one weight above 0, got none")

    def _loss(self, name: str) -> Loss:
        return self._functions[name] if name in self._functions else self.registered[self._places[name]]

    def terms(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return the value of each term, before its weight."""
        return {name: self._loss(name)(x, y) for name in self.weights}

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        # a weight of 0 switches a term off, also one that is infinite or not a number
        values = [weight * self._loss(name)(x, y) for name, weight in self.weights.items() if weight]
        total = values[0]
        for value in values[1:]:
            total = total + value
        return total

    def extra_repr(self) -> str:
        return ", ".join(f"{name}: {weight:g}" for name, weight in self.weights.items())


__all__ = ["WeightedLoss"]
