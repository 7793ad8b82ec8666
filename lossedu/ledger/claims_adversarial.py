"""The claims of WESPE and DPED on colour: `blur_critics`, `color_transfer` and `misaligned`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..records import Record
from .claim import Claim, Evidence, beside, gathered, part
from .evidence import Nets, Paired, entries, left_out, paired, seed_values
from .parts import Part

WESPE, DPED = "Ignatov et al., WESPE, 2018", "Ignatov et al., DPED, 2017"

#: Margins of the units that only these claims have.  A critic that is right in 55 of 100 cases is hardly a critic.
UNITS: Mapping[str, float] = {"points": 5.0}

#: Translations in training, in pixels, beside none.
SHIFTS = (1, 2, 3, 5)

#: The judges of `blur_critics` that a colour loss might have.
CRITICS = ("critic", "critic_plain")

STANDS = (
    "VGG-16 stands for VGG-19, quarter-width critics, a made-up cast, a generator of width 16 that starts as identity"
)


@dataclass(frozen=True)
class Counted(Claim):
    """A claim whose unit has its margin here."""

    @property
    def margin(self) -> float:
        """The smallest difference of interest, in the unit of the endpoint."""
        return UNITS[self.unit]


def above_chance(record: Record, task: str, arm: str, blur: str) -> Paired:
    """Return by how many points of a hundred a judge is above chance, by seed."""
    nets = Nets(arm, task, where=(("blur", blur),))
    gone = tuple(f"{entry['job']} {why}" for entry in entries(record, nets) if (why := left_out(entry)))
    found = seed_values(record, task, arm, "accuracy", blur=blur)
    return Paired({seed: 100 * value - 50 for seed, value in found.items()}, gone)


def w1(record: Record) -> Evidence:
    """Judge whether texture is gone after the printed blur: the better critic is at chance on sharp against soft."""
    judged = {arm: above_chance(record, "texture", arm, "wespe") for arm in CRITICS}
    best = max(judged, key=lambda arm: float(np.mean(list(judged[arm].values.values()))))
    found = judged[best]
    name = f"accuracy above chance on sharp against soft, blur of variance 3, {best}"
    one = Part(name, tuple(found.values.values()), "points", UNITS["points"], claimed=0)
    notes: tuple[str, ...] = ()
    for task in ("texture", "cast"):
        for blur in ("none", "wespe", "std3", "dped"):
            notes += beside(
                f"{task} after blur {blur}, {best}",
                "points",
                lambda task=task, blur=blur: above_chance(record, task, best, blur),  # type: ignore[misc]
            )
    return gathered((one, found), notes=notes)


def _over_input(record: Record, arm: str, column: str = "joint", testset: str = "test") -> Paired:
    return paired(record, Nets(arm), Nets("input"), column, testset, how="percent")


def w2(record: Record) -> Evidence:
    """Judge colours without pairs: nearer to the truth than the input is; with the input as real, no nearer."""
    parts = []
    for arm, words, claimed, par in (
        ("wespe", "the four terms as published", -1, False),
        ("swapped", "the input called real", 1, True),
    ):
        found = _over_input(record, arm)
        name = f"distance of the colours from the truth, {words}, over the input"
        parts.append((part(name, found, "%", claimed=claimed, par=par), found))
    notes: tuple[str, ...] = ()
    for arm in ("color", "color_r1", "plain", "plain_r1", "spectral", "full", "pooled", "paired"):
        notes += beside(f"{arm} over the input", "%", lambda arm=arm: _over_input(record, arm))  # type: ignore[misc]
    for arm in ("wespe", "plain_r1", "full"):
        notes += beside(
            f"{arm}, mean of its weights, over the input",
            "%",
            lambda arm=arm: _over_input(record, arm, testset="averaged"),  # type: ignore[misc]
        )
    return gathered(*parts, notes=(*notes, STANDS))


def drops(record: Record, arm: str) -> dict[int, float]:
    """Return what training pairs that do not register cost: PSNR with aligned pairs less the mean over `SHIFTS`."""
    aligned = seed_values(record, "shift0", arm, "psnr")
    moved = [seed_values(record, f"shift{shift}", arm, "psnr") for shift in SHIFTS]
    seeds = [seed for seed in aligned if all(seed in values for values in moved)]
    return {seed: aligned[seed] - float(np.mean([values[seed] for values in moved])) for seed in seeds}


def spared(record: Record, arm: str, base: str = "l2") -> Paired:
    """Return how much less a loss loses to misalignment than another, by seed."""
    own, other = drops(record, arm), drops(record, base)
    gone = tuple(f"seed {seed} is not complete" for seed in sorted(own.keys() ^ other.keys()))
    return Paired({seed: other[seed] - own[seed] for seed in sorted(own.keys() & other.keys())}, gone)


def w4(record: Record) -> Evidence:
    """Judge pairs that do not register: blurred squared error loses less by them, and ends above squared error."""
    first = spared(record, "blurred_wespe")
    name = "PSNR that translations of up to 1, 2, 3 and 5 pixels cost, l2 less the blurred"
    second = paired(record, Nets("blurred_wespe", "shift5"), Nets("l2", "shift5"), "psnr")
    parts = (
        (part(name, first, "dB"), first),
        (part("PSNR, blurred over l2, both trained with up to 5 pixels", second, "dB"), second),
    )
    notes: tuple[str, ...] = ()
    for arm in ("blurred_std3", "blurred_dped", "min_shift", "l1"):
        notes += beside(f"what {arm} is spared", "dB", lambda arm=arm: spared(record, arm))  # type: ignore[misc]
        notes += beside(
            f"{arm} over l2 at 5 pixels",
            "dB",
            lambda arm=arm: paired(record, Nets(arm, "shift5"), Nets("l2", "shift5"), "psnr"),  # type: ignore[misc]
        )
    notes += beside(
        "blurred over l2, aligned pairs",
        "dB",
        lambda: paired(record, Nets("blurred_wespe", "shift0"), Nets("l2", "shift0"), "psnr"),
    )
    return gathered(*parts, notes=(*notes, "photographs with a made-up phone stand for DPED's pairs"))


CLAIMS = (
    Counted(
        "W1",
        WESPE,
        "The blur before the colour discriminator removes texture.",
        "blur_critics",
        "accuracy of the better critic on sharp against soft after the printed blur, above chance",
        "points",
        w1,
    ),
    Claim(
        "W2",
        WESPE,
        "An adversarial colour loss matches the colours of the target without pairs.",
        "color_transfer",
        "distance of the colours from the truth (sliced, joint), the four terms as published over the input",
        "%",
        w2,
    ),
    Claim(
        "W4",
        DPED,
        "Blurred squared error tolerates misaligned pairs better than squared error.",
        "misaligned",
        "PSNR that translations in training cost, l2 less the blurred",
        "dB",
        w4,
    ),
)
