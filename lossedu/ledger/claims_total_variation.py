"""The claims on total variation: that it keeps edges at any noise, and what its square does instead.

Experiment `total_variation`: runs of the tasks "step" and "photographs", arms "tv" and "squared", one a draw, with what
was measured by strength of noise in `levels`; runs of the task "disc", one a disc, with `lost` and `predicted`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..records import Record
from .claim import Claim, Evidence, gathered, part
from .evidence import Missing, Paired
from .parts import Part

#: The strength of noise at which edges are compared with the clean one, and the rise of that, in pixels.
USUAL, CLEAN_RISE = "0.1", 0.8

Levels = Mapping[str, Mapping[str, float]]


def t1(record: Record) -> Evidence:
    """Judge TV against its square, both tuned at every noise: sharper edges and less noise on flat ground, both.

    Of every draw the strength of noise counts at which TV looks worst.  On a step: 10-90 rise, and noise left on flat
    ground.  In photographs: the error within two pixels of strong edges, and in flat regions.
    """
    pairs = []
    for task, column, what in (
        ("step", "rise", "rise of a step"),
        ("step", "flat", "noise left beside a step"),
        ("photographs", "edge", "error at strong edges of photographs"),
        ("photographs", "flat", "error in flat regions of photographs"),
    ):
        found = _worst(record, task, column)
        pairs.append((part(f"{what}, TV over squared, at the worst noise", found, "%", claimed=-1, of="draws"), found))
    return gathered(*pairs, notes=_unlike(record))


def t2(record: Record) -> Evidence:
    """Judge rise and contrast: squared TV widens a step, TV does not, and a disc loses 2w/r under TV.

    The step is that of T1 at noise 0.1, against the rise of the clean step.  Discs are not drawn: each of them must
    lose what is predicted, and the interval is from the least to the largest.
    """
    widened: dict[str, Paired] = {}
    for arm in ("squared", "tv"):
        rises = {seed: levels[USUAL]["rise"] for seed, levels in _levels(record, "step", arm).items()}
        widened[arm] = Paired({seed: 100 * (rise / CLEAN_RISE - 1) for seed, rise in rises.items()}, ())
    discs = [run for run in record.runs if run.get("task") == "disc"]
    if not discs:
        raise Missing(f"record {record.name} has no runs of task disc")
    lost = Paired({k: 100 * (run["lost"] / run["predicted"] - 1) for k, run in enumerate(discs)}, ())
    name = "rise of a step at noise 0.1 over that of the clean one"
    parts: tuple[tuple[Part, Paired], ...] = (
        (part(f"{name}, squared", widened["squared"], "%", of="draws"), widened["squared"]),
        (part(f"{name}, TV", widened["tv"], "%", claimed=0, of="draws"), widened["tv"]),
        (part("contrast that a disc loses under TV over 2w/r", lost, "%", claimed=0, of="discs", exact=True), lost),
    )
    return gathered(*parts)


def _levels(record: Record, task: str, arm: str) -> dict[int, Levels]:
    found: dict[int, Levels] = {
        run["seed"]: run["levels"] for run in record.runs if (run.get("task"), run.get("arm")) == (task, arm)
    }
    if not found:
        raise Missing(f"record {record.name} has no runs of task {task}, arm {arm}")
    return dict(sorted(found.items()))


def _worst(record: Record, task: str, column: str) -> Paired:
    """Return by draw by how many percent TV is above its square, at the noise where it is most."""
    here, there = (_levels(record, task, arm) for arm in ("tv", "squared"))

    def ratio(seed: int) -> float:
        return max(here[seed][noise][column] / there[seed][noise][column] for noise in here[seed])

    return Paired({seed: 100 * (ratio(seed) - 1) for seed in here if seed in there}, ())


def _unlike(record: Record) -> tuple[str, ...]:
    """Say over which noise it was, and that the weights are tuned: an untuned one decides nothing."""
    noises: list[Any] = record.settings.get("noises", [])
    return (f"noise from {min(noises):g} to {max(noises):g}, the weight of each tuned at each",) if noises else ()


CLAIMS = (
    Claim(
        "T1",
        "the posts that this book grew from",
        "Total variation keeps edges while it smooths, however strong the noise.",
        "total_variation",
        "rise of a step under TV over that under its square, at the worst noise",
        "%",
        t1,
    ),
    Claim(
        "T2",
        "our inference",
        "Squared total variation blurs edges; the true one takes contrast from small shapes.",
        "total_variation",
        "rise of a step under squared TV over that of the clean step, and the contrast of discs under TV",
        "%",
        t2,
    ),
)
