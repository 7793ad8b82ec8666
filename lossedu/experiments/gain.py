r"""Does a loss pull a lost network back?  Contrast and level of an output, and the forces a loss exerts on them.

Near the truth every loss pulls towards it.  Far away, where a network lands after a step that was too long, that is
another question: the pull of l2 grows with the error and that of l1 stays, while that of SSIM, whose value never leaves
(-1, 1], has to fade ("redescend").  It even changes sides: where the output is negative enough both factors of SSIM are
negative and their product is not, so that with a wide window the negative -y scores better than a blank picture.
Outputs far away are described by two numbers,

.. math:: x = m + g\,(y - m) + o,

with y the clean picture, m the mean of each of its channels, g the *gain* and o the *offset*: the truth is at g = 1,
o = 0; g = 0 is a blank picture, g < 0 a negative.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .. import _validate

Loss = Callable[[Tensor, Tensor], Tensor]


def _detail(x: Tensor) -> Tensor:
    return x - x.mean(dim=(-2, -1), keepdim=True)


def output_gain(output: Tensor, clean: Tensor) -> float:
    r"""Gain of the output, by least squares about the mean of each channel of each picture.

    .. math:: g = \frac{\sum (x - \bar x)(y - \bar y)}{\sum (y - \bar y)^2}

    1 is the right contrast, 0 none that has to do with the picture, below 0 it is inverted.

    Parameters
    ----------
    output, clean : Tensor
        x and y, (N, C, H, W).

    Returns
    -------
    float
        NaN if the clean pictures are flat: then no gain is defined.

    Raises
    ------
    TypeError, ValueError
        If they are no pair of images.
    """
    x, y = (_detail(image.detach().double()) for image in _validate.images(output, clean))
    energy = float(y.square().sum())
    return float((x * y).sum()) / energy if energy else math.nan


def offset(output: Tensor, clean: Tensor) -> float:
    """Return the mean of output minus clean, in intensity units; errors are those of `output_gain`.

    Channels or pictures that are off in opposite directions cancel.
    """
    x, y = _validate.images(output, clean)
    return float((x.detach().double() - y.detach().double()).mean())


def _value_and_gradient(loss: Loss, output: Tensor, clean: Tensor) -> tuple[float, Tensor]:
    _validate.function("loss", loss)
    with torch.inference_mode(False), torch.enable_grad():
        x = output.detach().clone().requires_grad_()
        value = _validate.one_number("loss", loss(x, clean.detach().clone()))
        # A loss that ignores its input returns no graph: it does not pull.
        (gradient,) = torch.autograd.grad(value, x) if value.requires_grad else (torch.zeros_like(x),)
    return float(value.detach()), gradient.double()


def _pull(gradient: Tensor) -> float:
    return math.sqrt(gradient.numel()) * float(gradient.norm())


def loss_pull(loss: Loss, output: Tensor, clean: Tensor) -> float:
    r"""How hard a loss pulls at a pixel.

    .. math:: \sqrt{n}\;\Bigl\|\frac{\partial\mathcal L}{\partial x}\Bigr\|_2, \qquad n = NCHW,

    the root mean square over pixels of :math:`n\,\partial\mathcal L/\partial x`, which does not depend on the size of
    the picture for a loss that is a mean over pixels: 1 for l1 wherever no pixel is right, twice the root mean square
    error for l2.

    Raises
    ------
    TypeError, ValueError
        If `loss` cannot be called or does not return one number, or the images are no pair.
    """
    x, y = _validate.images(output, clean)
    return _pull(_value_and_gradient(loss, x, y)[1])


def pull_profile(loss: Loss, clean: Tensor, gains: Sequence[float], offsets: Sequence[float]) -> dict[str, Any]:
    r"""Value, pull and restoring forces of a loss at outputs of given gain and offset.

    Parameters
    ----------
    loss : callable
        ``loss(x, y)``, one number, a mean over pixels.
    clean : Tensor
        Patches of photographs, (N, C, H, W).
    gains, offsets : sequence of float
        Gains (the truth: 1), and offsets in intensity units (the truth: 0).

    Returns
    -------
    dict
        `gains` and `offsets` as given, and tables of floats with a row per gain and a column per offset:

        - `value`: the loss;
        - `pull`: `loss_pull`;
        - `force_gain`, :math:`-\partial\mathcal L/\partial g`: it restores where positive below gain 1 and negative
          above;
        - `force_offset`, :math:`-\partial\mathcal L/\partial o`: it restores where its sign is not the offset's;
        - `restoring`, :math:`-\sqrt n \langle \nabla\mathcal L, u \rangle` with u the unit vector from the output to
          the truth: how much of the pull leads there.  At most `pull`; below 0 the loss pushes away; 0 at the truth.

        For l2 they are :math:`V(g-1)^2 + o^2`, its root doubled, :math:`-2V(g-1)`, :math:`-2o` and the pull, with V the
        variance of the clean picture about its channel means.

    Raises
    ------
    TypeError, ValueError
        If `loss` cannot be called or does not return one number, `clean` is no image, or a sequence is empty or has a
        number that is not finite.
    """
    y = _validate.images(clean, clean)[0].detach().double()
    steps = {}
    for name, sequence in (("gains", gains), ("offsets", offsets)):
        numbers = _validate.numbers(name, sequence)
        if numbers.ndim != 1 or not numbers.numel() or not bool(numbers.isfinite().all()):
            raise ValueError(f"{name} must be a sequence of at least one number, all finite, got {sequence!r}")
        steps[name] = [float(number) for number in sequence]
    detail = _detail(y)
    tables: dict[str, list[list[float]]] = {
        name: [[] for _ in steps["gains"]] for name in ("value", "pull", "force_gain", "force_offset", "restoring")
    }
    for row, g in enumerate(steps["gains"]):
        for o in steps["offsets"]:
            error = (g - 1) * detail + o
            value, gradient = _value_and_gradient(loss, y + error, y)
            length = float(error.norm())
            found = {
                "value": value,
                "pull": _pull(gradient),
                "force_gain": -float((gradient * detail).sum()),
                "force_offset": -float(gradient.sum()),
                "restoring": math.sqrt(y.numel()) * float((gradient * error).sum()) / length if length else 0.0,
            }
            for name, number in found.items():
                tables[name][row].append(number + 0.0)  # -0.0 becomes 0.0
    return {**steps, **tables}
