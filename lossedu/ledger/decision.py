r"""The rule: from differences, one a seed, to the word of a verdict.

An interval of Student's t over the seeds is compared with a margin :math:`\delta`, the smallest difference of interest:

===========================================  ================
the interval lies                            zone
===========================================  ================
beyond :math:`\delta` on the claimed side    ``supported``
inside :math:`\pm\delta`                     ``equivalent``
beyond :math:`\delta` on the other side      ``contradicted``
anywhere else                                ``inconclusive``
===========================================  ================

A 95 % interval inside the margin is stricter than two one-sided tests at 5 %, for which one of 90 % would do.

Some claims are satisfied by a tie. "No better than" (`par`) holds wherever the interval stays on the near side of the
far margin, and "equal" (`claimed` = 0) where it lies inside; for those there is no zone ``equivalent``, because the tie
is what was claimed.  Everywhere else ``equivalent`` is a finding against the claim, but not its opposite: the
difference that was claimed is there to less than the margin, and nobody would see it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from .. import _validate
from ..statistics import Interval
from .parts import LEVEL, Part, describe

#: Fewer seeds than this decide nothing: two give an interval, but hardly ever the right one.
LEAST_SEEDS = 3

ZONES = ("supported", "equivalent", "contradicted", "inconclusive")

VERDICTS = (
    "supported",
    "equivalent",
    "not replicated",
    "refuted",
    "inconclusive",
    "not run",
    "untestable here",
)

#: Scales, the one that counts most first.  The last is there to test the code: it decides nothing.
SCALES = ("full", "cpu_wide", "cpu", "cpu_plain", "cpu_fast", "quick", "smoke")


class Ruling(NamedTuple):
    """A verdict, which of the comparisons decided it (by number), and the reasons, one a sentence."""

    verdict: str
    decisive: int
    reasons: tuple[str, ...]


def zone(interval: Interval, margin: float, *, claimed: int = 1, par: bool = False) -> str:
    """Return where an interval lies.

    Parameters
    ----------
    interval : Interval
        Of the difference that the claim is about.
    margin : float
        The smallest difference of interest, finite, 0 or more, in the unit of the interval.
    claimed : {1, -1, 0}
        The side on which the claim puts the difference; 0 where it says that there is none.
    par : bool
        Whether a tie satisfies the claim ("at par or better" for `claimed` = 1).

    Returns
    -------
    {"supported", "equivalent", "contradicted", "inconclusive"}
        An interval that just touches the margin is inside.  With `par` or `claimed` = 0 never "equivalent".

    Raises
    ------
    ValueError
        If an option is out of range, or an end of the interval is not finite or on the wrong side of the other.
    """
    if not (math.isfinite(interval.low) and math.isfinite(interval.high) and interval.low <= interval.high):
        raise ValueError(f"interval must have finite ends, the lower first, got {tuple(interval)}")
    if not (math.isfinite(margin) and margin >= 0):
        raise ValueError(f"margin must be a finite number of at least 0, got {margin!r}")
    if claimed not in (1, -1, 0):
        raise ValueError(f"claimed must be 1, -1 or 0, got {claimed!r}")
    low, high = (-interval.high, -interval.low) if claimed == -1 else (interval.low, interval.high)
    inside = -margin <= low and high <= margin
    if claimed == 0:
        return "supported" if inside else "contradicted" if low > margin or high < -margin else "inconclusive"
    if high < -margin:
        return "contradicted"
    if par:
        return "supported" if low >= -margin else "inconclusive"
    return "supported" if low > margin else "equivalent" if inside else "inconclusive"


def verdict(zone: str, *, matched: bool) -> str:
    """Return the word for a zone.

    Parameters
    ----------
    zone : str
        As `zone` returns it.
    matched : bool
        Whether data and settings are those of the source.  Only then is a contradiction called *refuted*; with
        others it may be theirs, and the word is *not replicated*.

    Raises
    ------
    ValueError
        If there is no such zone.
    """
    _validate.option("zone", zone, ZONES)
    if zone == "contradicted":
        return "refuted" if matched else "not replicated"
    return zone


def joint(parts: Sequence[Part]) -> tuple[str, int]:
    r"""Return the zone of a claim whose parts must all hold, and the number of the part that decides it.

    Support needs every part, each at 95 %: such an intersection needs no correction.  The same holds where all parts
    are contradicted, or all equivalent.  Where one part alone speaks against the claim, any of k could have done so by
    chance, and it is held to the level :math:`1 - 0.05 / k`.  Where ties satisfy some parts, and do, and every other
    part is equivalent, the difference that the claim is about is not there.  Any other mixture is inconclusive.  Every
    part needs two values or more.
    """
    strict = 1 - (1 - LEVEL) / len(parts)

    def zones(level: float) -> list[str]:
        return [zone(p.interval(level), p.margin, claimed=p.claimed, par=p.par) for p in parts]

    usual, strictly = zones(LEVEL), zones(strict)
    for found in ZONES[:3]:
        if all(one == found for one in usual):
            return found, 0
    differences = [i for i, p in enumerate(parts) if p.claimed != 0 and not p.par]
    tied = ["equivalent" if i in differences else "supported" for i in range(len(parts))]
    if differences and usual == tied:
        return "equivalent", differences[0]
    if "contradicted" in strictly:
        return "contradicted", strictly.index("contradicted")
    return "inconclusive", next(i for i, one in enumerate(usual) if one != "supported")


def judge(parts: Sequence[Part], *, matched: bool, scale: str) -> Ruling:
    """Return the verdict on a claim from its comparisons, the first of which is the primary one.

    Raises
    ------
    ValueError
        If there are no parts, the scale is unknown, or a value is not finite.
    """
    _validate.option("scale", scale, SCALES)
    if not parts:
        raise ValueError("parts must hold at least one comparison, got none")
    reasons = tuple(describe(part) for part in parts)
    few = [i for i, part in enumerate(parts) if len(part.values) < LEAST_SEEDS]
    if few:
        part = parts[few[0]]
        said = f"too few {part.of} ({len(part.values)}) for “{part.name}”: at least {LEAST_SEEDS} are needed"
        return Ruling("inconclusive", few[0], (said, *reasons))
    if scale == SCALES[-1]:
        return Ruling("inconclusive", 0, (f"scale {scale} tests the code and no claim", *reasons))
    found, decisive = joint(parts)
    return Ruling(verdict(found, matched=matched), decisive, reasons)
