"""Chapter 8: adversarial colour."""

from __future__ import annotations

from .borders import border_light
from .dirac import dirac_step
from .hidden import hidden_changes
from .kernels import printed_kernel, valid_blur
from .logits import generator_loss
from .optimal import gaussian_critic, uniform_divergence
from .penalties import r1_penalty
from .shifts import free_negative, min_shift
from .sides import critic_loss
from .stability import dirac_factor, least_gamma

__all__ = [
    "border_light",
    "critic_loss",
    "dirac_factor",
    "dirac_step",
    "free_negative",
    "gaussian_critic",
    "generator_loss",
    "hidden_changes",
    "least_gamma",
    "min_shift",
    "printed_kernel",
    "r1_penalty",
    "uniform_divergence",
    "valid_blur",
]
