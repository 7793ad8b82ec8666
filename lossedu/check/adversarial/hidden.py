"""The exercise on what instance normalisation hides from a critic."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from ... import data
from ...losses import ColorDiscriminator
from ..examination import Examination
from ..verdict import Verdict

ANSWERS = ("hidden", "bend", "seen")

#: Case -> title and hint.
CASES: dict[str, tuple[str, str]] = {
    "tint": (
        "a uniform tint",
        "without the bend a uniform colour adds one number to each map, and its mean is taken away; LeakyReLU treats "
        "what lies above 0 otherwise than what lies below, and a tint moves values across",
    ),
    "gain": (
        "every value times 1.2",
        "LeakyReLU of 1.2 times a map is 1.2 times LeakyReLU of the map, and the deviation is divided out",
    ),
    "negative": ("the negative", "a mean and a deviation are taken away, a sign is not: every map is turned over"),
    "noise": (
        "noise",
        "a mean and a scale can take back one change for the whole map, and noise is another one at every pixel",
    ),
}

#: Times He's deviation: so large that the 0.001 beside the variance and the biases count for next to nothing.
WEIGHTS = 3.0


def changed() -> dict[str, Tensor]:
    """Return a photograph (1, 3, 100, 100), float64, and four changes of it."""
    y = 0.8 * data.crop(data.photograph("astronaut"), 60, 150, 100).double() + 0.1
    noise = torch.randn(y.shape, generator=torch.Generator().manual_seed(7), dtype=y.dtype)
    return {
        "photograph": y,
        "tint": y + y.new_tensor([0.05, 0.0, -0.05]).view(1, 3, 1, 1),
        "gain": 1.2 * y,
        "negative": 1 - y,
        "noise": y + 0.05 * noise,
    }


def second_maps(
    *, slope: float = 0.2, padded: bool = True, norm: str = "instance", weights: float = WEIGHTS
) -> nn.Module:
    """Return a critic's first two convolutions, up to the normalisation if it has one.

    Parameters
    ----------
    slope : float
        Of the LeakyReLU below zero; 1 takes the bend out.
    padded : bool
        With the zeros at the border of each map, or without.
    norm : {"instance", "none"}
    weights : float
        Times He's deviation; 0 leaves the weights as they start.
    """
    state = torch.get_rng_state()
    torch.manual_seed(8)
    critic = ColorDiscriminator(image_size=100, width=0.5, norm=norm).double()
    for layer in critic.layers:
        if isinstance(layer, nn.Conv2d):
            if weights:
                nn.init.kaiming_normal_(layer.weight, a=0.2)
                layer.weight.data *= weights
            if not padded:
                layer.padding = (0, 0)
        elif isinstance(layer, nn.LeakyReLU):
            layer.negative_slope = slope
    torch.set_rng_state(state)
    return critic.layers[: 4 if norm == "none" else 5]


def change_of(maps: nn.Module) -> dict[str, float]:
    """Return by what part of their own spread the maps of the photograph are changed, for each change."""
    pictures = changed()
    with torch.no_grad():
        before = maps(pictures.pop("photograph"))
        spread = (before - before.mean(dim=(2, 3), keepdim=True)).norm()
        return {case: float((maps(x) - before).norm() / spread) for case, x in pictures.items()}


@cache
def measured() -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Return the changes without the bend, with it, and as the critic is built: no border in the first two."""
    return (
        change_of(second_maps(slope=1.0, padded=False)),
        change_of(second_maps(padded=False)),
        change_of(second_maps()),
    )


def seen_by(case: str) -> str:
    """Return the answer to a case: hidden, seen only through the bend, or seen without it too."""
    straight, bent, _ = (found[case] for found in measured())
    return "seen" if straight > 0.01 else "bend" if bent > 0.01 else "hidden"


def hidden_changes(*, tint: str = "", gain: str = "", negative: str = "", noise: str = "") -> Verdict:
    """Check predictions: which changes of a picture leave the maps behind an instance normalisation as they are?

    Parameters
    ----------
    tint, gain, negative, noise : {"hidden", "bend", "seen"}
        Hidden; seen only by the bend of the LeakyReLU; or seen without it too.
    """
    answers = {"tint": tint, "gain": gain, "negative": negative, "noise": noise}
    with Examination("hidden_changes") as exam:
        still = ", ".join(f"{case}={answer!r}" for case, answer in answers.items() if answer not in ANSWERS)
        exam.require("answers every case", not still, still or "yes", f"one of {', '.join(ANSWERS)} for each")
        for case, (title, hint) in CASES.items():
            right = seen_by(case)
            exam.test(title, answers[case] == right, answers[case], right, hint)
        if all(item.ok for item in exam.properties):
            names = ("without bend and border", "with the bend", "with bend and border")
            for name, found in zip(names, measured(), strict=True):
                exam.notes.append(f"{name}: " + ", ".join(f"{case} {value:.3f}" for case, value in found.items()))
    return exam.verdict()
