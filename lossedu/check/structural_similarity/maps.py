"""Pictures of gradients for verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from ..verdict import Target

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def gradient_target(right: Tensor, answer: Tensor, what: str, *, zoom: int) -> Target:
    """Return the right gradient and the reader's, side by side on one scale."""

    def draw() -> Figure:
        from ...figures import image_strip

        return image_strip([right, answer], ["target", "yours"], signed=True, label=f"derivative of {what}", zoom=zoom)

    alt = f"Two maps on one colour scale: the derivative of {what} in every pixel, as it should be and as handed in."
    caption = f"Left the target, right your answer. Brightening a rust pixel raises {what}, a blue one lowers it."
    return Target(draw, alt, caption)
