"""The exercise on two pictures with one PSNR and very different SSIM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ... import _validate
from ...losses import ssim, ssim_grad
from ...metrics import psnr as peak_signal_to_noise
from ..examination import Examination
from ..reader import picture
from ..verdict import Target, Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LARGEST = 256
_SHOWN = 160
_TOLERANCE = 0.05
#: How much of the way from noise to what plain descent reaches in 100 steps is asked for.
_SHARE = 0.9


def equal_psnr(best: Tensor, worst: Tensor, reference: Tensor, psnr: float = 25.0) -> Verdict:
    """Check two pictures that have the same PSNR to a reference, one of them with a high and one with a low SSIM.

    Both must lie in [0, 1] and within 0.05 dB of `psnr`.  How high and how low SSIM has to be is measured for this very
    reference: the check starts from noise of that PSNR, walks 100 steps down or up the gradient of ``le.ssim_loss`` on
    the sphere of constant mean square error, and asks for 90 % of the way.

    Parameters
    ----------
    best, worst : Tensor
        The answers, shaped like `reference`.
    reference : Tensor
        (1, C, H, W) in [0, 1], at least 11 and at most 256 pixels a side; 128 take about a second.
    psnr : float
        In decibels, 10 to 50.

    Raises
    ------
    TypeError, ValueError
        If a picture is no floating tensor, or `reference` or `psnr` is out of range.
    """
    _validate.image("reference", reference)
    if reference.shape[0] != 1 or not 11 <= min(reference.shape[-2:]) <= max(reference.shape[-2:]) <= _LARGEST:
        wanted = f"one picture (1, C, H, W) of 11 to {_LARGEST} pixels a side"
        raise ValueError(f"reference must be {wanted}, got {tuple(reference.shape)}")
    if not bool(((reference >= 0) & (reference <= 1)).all()):
        raise ValueError("reference must lie in [0, 1]")
    _validate.in_range("psnr", psnr, 10, 50)
    answers = {"best": best, "worst": worst}
    for name, answer in answers.items():
        picture(name, answer)
    y = reference.detach().to("cpu", torch.float32)
    with Examination("equal_psnr") as exam:
        pictures = {name: exam.tensor(answer, y.shape, what=name).float() for name, answer in answers.items()}
        for name, x in pictures.items():
            _bounds(exam, name, x, y, psnr)
        values = {name: float(ssim(x, y)) for name, x in pictures.items()}
        generator = torch.Generator().manual_seed(0)
        start = _on_sphere(y + torch.randn(y.shape, generator=generator, dtype=y.dtype), y, psnr)
        noise, reached = float(ssim(start, y)), {}
        for name, sign in (("best", -1), ("worst", 1)):
            reached[name] = float(ssim(_walk(start, y, psnr, sign), y))
            goal = noise + _SHARE * (reached[name] - noise)
            ok = (goal - values[name]) * sign >= 0
            wanted = f"at {'least' if sign < 0 else 'most'} {goal:.3f}"
            hint = _EQUAL if torch.equal(pictures[name], y) else _hint(values, noise, name)
            exam.test(f"{name}: SSIM", ok, f"{values[name]:.3f}", wanted, hint)
        plain = f"100 plain steps reach {reached['best']:.3f} and {reached['worst']:.3f}"
        exam.notes.append(f"Noise of {psnr:g} dB has SSIM {noise:.3f}; {plain}.")
        exam.target = _target(pictures, y, values)
    return exam.verdict()


_EQUAL = "the picture equals the reference: start from the reference plus noise of the right strength"


def _bounds(exam: Examination, name: str, x: Tensor, y: Tensor, psnr: float) -> None:
    low, high = float(x.min()), float(x.max())
    inside = low >= -1e-6 and high <= 1 + 1e-6
    hint = "clamp to [0, 1] last: to scale the error after it leaves the range again; take turns a few times"
    exam.test(f"{name}: values", inside, f"from {low:.3f} to {high:.3f}", "within [0, 1]", hint)
    decibels = float(peak_signal_to_noise(x, y))
    ok, wanted = abs(decibels - psnr) <= _TOLERANCE, f"{psnr:.2f} dB within {_TOLERANCE}"
    hint = "clamping to [0, 1] made the error smaller: scale x - y again, and repeat" if decibels > psnr else ""
    if torch.equal(x, y):
        hint = _EQUAL
    exam.test(f"{name}: PSNR", ok, f"{decibels:.2f} dB", wanted, hint)


def _hint(values: dict[str, float], noise: float, name: str) -> str:
    if values["best"] < values["worst"]:
        return "best and worst are the wrong way round: descend ssim_loss for the best picture, ascend it for the worst"
    if (values[name] - noise) * (1 if name == "best" else -1) <= 0.02:
        return "hardly different from plain noise: follow the gradient of ssim_loss, and return to the sphere each time"
    return "more steps, or smaller ones; and take the part of the gradient along x - y out, since the sphere undoes it"


def _on_sphere(x: Tensor, y: Tensor, psnr: float) -> Tensor:
    """Return the picture in [0, 1] on the line from y through x with this PSNR."""
    radius = 10 ** (-psnr / 20)
    for _ in range(20):
        error = x - y
        x = (y + error * (radius / error.square().mean().sqrt())).clamp(0, 1)
    return x


def _walk(x: Tensor, y: Tensor, psnr: float, sign: int) -> Tensor:
    """Take 100 steps of a tenth of the radius down (-1) or up (1) the SSIM loss, each time back to the sphere."""
    step = 0.1 * 10 ** (-psnr / 20)
    for _ in range(100):
        slope = ssim_grad(x, y)
        error = x - y
        along = slope - error * ((slope * error).sum() / error.square().sum())
        x = _on_sphere(x + sign * step * along / along.square().mean().sqrt().clamp(min=1e-20), y, psnr)
    return x


def _target(pictures: dict[str, Tensor], y: Tensor, values: dict[str, float]) -> Target:
    def draw() -> Figure:
        from ...figures import image_strip

        height, width = (min(side, _SHOWN) for side in y.shape[-2:])
        top, left = (y.shape[-2] - height) // 2, (y.shape[-1] - width) // 2
        shown = [x[..., top : top + height, left : left + width] for x in pictures.values()]
        if y.shape[1] not in (1, 3):
            shown = [x.mean(dim=1, keepdim=True) for x in shown]
        return image_strip(shown, list(pictures), [f"SSIM {values[name]:.3f}" for name in pictures])

    alt = "Two pictures side by side: the answer that is to have a high SSIM, and the one that is to have a low SSIM."
    return Target(draw, alt, "Both have the PSNR that was asked for. Which of the two would you rather look at?")
