"""The claims about convergence, Zhao et al. (2017), section 5.1: l1 and l2 trained on, switched, and told apart.

A record holds for each loss ("l1", "l2"), `mode` and seed one run with five ends: `trunk`, before the switch;
`continue`, the same loss for half as long again; `reset`, the same with the optimiser's memory wiped; `switch`, the
other loss with the memory wiped, so that it differs from `reset` by the loss alone; `switch_carried`, with it kept.
Modes are an optimiser at the step size that was tuned for each loss ("adam_tuned", "sgd_tuned") or at a tenth of it
("adam", "sgd").  Verdicts are on tuned ones; the others stand beside.

``settings["landscape"]`` holds pairs of end points, each ``{"pair", "mode", "seed", **compared}`` with what
`experiments.landscape.compare` says of the loss "pooled mean square error": the net of this seed against that of the
next (the last against the first).  All end on l2, those that began with l1 by a switch; a pair is named by how the two
began.  No pair shares its first weights, which would make it nearer for another reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..records import Record
from .claim import Claim, Evidence, beside, gathered, part
from .evidence import Missing, Nets, Paired, paired

SECTION = "Zhao et al., 2017, section 5.1"

TUNED = "adam_tuned"

#: Both sets, see Z1: only the training pictures tell optimisation from generalisation.
SETS = {"test": "test pictures", "train": "training pictures"}


def net(arm: str, branch: str, mode: str = TUNED) -> Nets:
    """Return the networks that began with a loss, at one of their ends."""
    return Nets(arm, branch=branch, where=(("mode", mode),))


def error(record: Record, one: Nets, other: Nets, testset: str = "test") -> Paired:
    """Return by how many dB the pooled mean square error of the first is below that of the other."""
    return paired(record, one, other, "mse", testset, how="dB")


def z2(record: Record) -> Evidence:
    """Judge l1 against l2 by l2, each at its own step size and trained to its end, under Adam and under SGD.

    All four comparisons must hold: if one optimiser, well tuned, shows no such gap, then l2 has no worse minima.
    """
    pairs = []
    for mode, optimizer in ((TUNED, "Adam"), ("sgd_tuned", "SGD")):
        for testset, words in SETS.items():
            found = error(record, net("l1", "continue", mode), net("l2", "continue", mode), testset)
            pairs.append((part(f"l1 over l2 by pooled squared error, {optimizer}, {words}", found, "dB"), found))
    notes = [
        line
        for mode, optimizer in (("adam", "Adam"), ("sgd", "SGD"))
        for line in beside(
            f"a tenth of the tuned step size, {optimizer}, test pictures",
            "dB",
            _later(record, net("l1", "continue", mode), net("l2", "continue", mode)),
        )
    ]
    return gathered(*pairs, notes=tuple(notes))


def z3(record: Record) -> Evidence:
    """Judge the switch against going on with the same loss, and against wiping Adam's memory alone, for both losses."""
    pairs = []
    for first, second in (("l1", "l2"), ("l2", "l1")):
        for control, words in (("continue", f"{first} continued"), ("reset", f"{first} continued from a reset Adam")):
            for testset, pictures in SETS.items():
                found = error(record, net(first, "switch"), net(first, control), testset)
                name = f"{first} then {second} over {words} by pooled squared error, {pictures}"
                pairs.append((part(name, found, "dB"), found))
    notes = [
        line
        for first in ("l1", "l2")
        for line in beside(
            f"a tenth of the tuned step size, {first} switched over {first} continued, test pictures",
            "dB",
            _later(record, net(first, "switch", "adam"), net(first, "continue", "adam")),
        )
    ]
    return gathered(*pairs, notes=tuple(notes))


def z4(record: Record) -> Evidence:
    """Judge whether equal errors hide minima that are farther apart than two seeds of one loss.

    Any two networks differ in their weights, matched or not; the claim says something only if the wall between networks
    that began with different losses is higher than that between two seeds of the same.  Each seed's wall is compared
    with the mean of its own walls within l1 and within l2.  And the errors must be equal where both end on l2; the
    paper's own pair, of which one ends on l1, stands beside.
    """
    equal = error(record, net("l1", "switch"), net("l2", "continue"))
    walls = _walls(record, "l1-l2")
    within = [_walls(record, pair) for pair in ("l1-l1", "l2-l2")]
    controls = {seed: [found[seed] for found in within if seed in found] for seed in walls}
    excess = Paired({seed: walls[seed] - sum(own) / len(own) for seed, own in sorted(controls.items()) if own}, ())
    if not excess.values:
        raise Missing(f"record {record.name} has no pairs of end points of both kinds for {TUNED}")
    near = [_landscape(record, pair, "distance") for pair in ("l1-l2", "l2-l2")]
    notes = tuple(
        f"beside it, mean distance of the matched weights, {name}: {sum(found.values()) / len(found):.3g}"
        for name, found in zip(("l1-l2", "l2-l2"), near, strict=True)
        if found
    )
    notes += beside("l2 then l1 over l1 then l2", "dB", _later(record, net("l2", "switch"), net("l1", "switch")))
    return gathered(
        (
            part("wall between ends of nets that began with other losses over that of the same loss", excess, "dB"),
            excess,
        ),
        (part("l1 then l2 over l2 alone by pooled squared error", equal, "dB", claimed=0), equal),
        notes=notes,
    )


def z6(record: Record) -> Evidence:
    """Judge residuals of 4 to 16 pixels in flat regions: l2 above l1, and l1-then-l2 above l2-then-l1."""

    def band(one: Nets, other: Nets) -> Paired:
        return paired(record, one, other, "flat_middle", how="percent", pool="rms")

    alone, order = band(net("l2", "continue"), net("l1", "continue")), band(net("l1", "switch"), net("l2", "switch"))
    return gathered(
        (part("residual in flat regions, 4 to 16 px, l2 over l1", alone, "%"), alone),
        (part("the same, l1 then l2 over l2 then l1", order, "%"), order),
    )


def _later(record: Record, one: Nets, other: Nets) -> Callable[[], Paired]:
    return lambda: error(record, one, other)


def _walls(record: Record, pair: str) -> dict[int, float]:
    """Return by how many dB the error on the line between matched weights rises above the line between their errors."""
    return {seed: 10 * math.log10(1 + b) for seed, b in _landscape(record, pair, "barrier_relative").items()}


def _landscape(record: Record, pair: str, key: str) -> dict[int, float]:
    found = {
        row["seed"]: float(row[key])
        for row in record.settings.get("landscape", [])
        if row["pair"] == pair and row["mode"] == TUNED
    }
    if not all(map(math.isfinite, found.values())):
        raise ValueError(f"landscape of record {record.name} must hold finite numbers, got {found} as {key} of {pair}")
    return found


CLAIMS = (
    Claim(
        "Z2",
        SECTION,
        "l1 still beats l2 by l2's own error when both have converged.",
        "convergence",
        "pooled mean square error, l1 over l2, step sizes tuned, Adam and SGD, test and training pictures",
        "dB",
        z2,
    ),
    Claim(
        "Z3",
        SECTION,
        "Switching to the other loss lowers the squared error, whichever came first.",
        "convergence",
        "pooled mean square error, switched over the same loss continued, with and without Adam's memory, both losses",
        "dB",
        z3,
    ),
    Claim(
        "Z4",
        SECTION,
        "After the switch both networks have the same squared error, in different minima.",
        "convergence",
        "wall on the line between the matched weights of both networks, over that between two seeds of one loss",
        "dB",
        z4,
    ),
    Claim(
        "Z6",
        "Zhao et al., 2017, sections 3 and 5.1",
        "l2 leaves splotches in flat regions; l1 then l2 keeps them, l2 then l1 does not.",
        "convergence",
        "residual of 4 to 16 px in flat regions, l2 over l1 and l1 then l2 over l2 then l1",
        "%",
        z6,
    ),
)
