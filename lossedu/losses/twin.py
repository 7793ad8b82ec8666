"""What the module twins of the losses have in common: they keep options, and show them."""

from __future__ import annotations

from typing import Any

from torch import nn


class Twin(nn.Module):
    """A module that keeps the options of a loss function; the subclass names them and makes the call."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.options.items())


__all__ = ["Twin"]
