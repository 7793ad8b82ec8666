"""What a claim is, and the margins that all claims share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ..records import Record
from ..statistics import t_interval
from .evidence import Missing, Paired
from .parts import Part

#: Unit -> smallest difference of interest.
#:
#: 0.1 dB is the protocol's, and about what the paper's closest conclusion rests on (Mix over l1: 0.08 to 0.29 dB).
#: SSIM is judged at 0.001: from l2 to l1 the paper's Table 1 gains 1.24 dB and 0.0189 of SSIM, so that 0.1 dB are
#: worth about 0.0015, and Mix is called better than l1 for 0.0012 (super-resolution).  What has no scale of its own
#: (noise in flat regions, width of edges, bias, time) is judged at 5 %: a residual changed by less is not seen beside
#: the other.  Rank correlation has its threshold, 0.9, in the claim itself.  The toys of Figure 9 draw SSIM from 0.3 to
#: 1: 0.05 is about the least that shows in such a curve.
MARGINS: Mapping[str, float] = {
    "dB": 0.1,
    "%": 5.0,
    "SSIM": 0.001,
    "SSIM near an edge": 0.05,
    "rank correlation": 0.0,
}


class Evidence(NamedTuple):
    """What a record says of a claim: comparisons that must all hold, the primary one first, and what else to tell."""

    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """A statement of the literature, and how it is put to the test.

    Attributes
    ----------
    id, source, statement : str
        Letter and number; where it is made; what is said.
    experiment : str
        Whose records decide it, "" for none as yet.
    endpoint : str
        The primary comparison, in words.
    unit : str
        Of the endpoint, a key of `MARGINS`.
    rule : function or None
        ``rule(record)`` returns the evidence; it raises `evidence.Missing` where the record has no such runs.
    matched : bool
        Whether data and settings are the source's, see `decision.verdict`.
    untestable : str
        Why it cannot be tested here, "" if it can.
    """

    id: str
    source: str
    statement: str
    experiment: str = ""
    endpoint: str = ""
    unit: str = ""
    rule: Callable[[Record], Evidence] | None = None
    matched: bool = False
    untestable: str = ""

    @property
    def margin(self) -> float:
        """The smallest difference of interest, in the unit of the endpoint."""
        return MARGINS[self.unit]


def part(
    name: str,
    found: Paired,
    unit: str,
    *,
    claimed: int = 1,
    par: bool = False,
    of: str = "seeds",
    exact: bool = False,
) -> Part:
    """Return pairs as a comparison with the margin of its unit."""
    return Part(name, tuple(found.values.values()), unit, MARGINS[unit], claimed, par, of, exact)


def gathered(*pairs: tuple[Part, Paired], notes: tuple[str, ...] = ()) -> Evidence:
    """Return comparisons with what was left out of any of them, each run once."""
    gone = dict.fromkeys(line for _, found in pairs for line in found.left_out)
    told = (f"left out of the pairs (a network that ran away is in no mean): {'; '.join(gone)}",) if gone else ()
    return Evidence(tuple(one for one, _ in pairs), (*told, *notes))


def beside(name: str, unit: str, compare: Callable[[], Paired]) -> tuple[str, ...]:
    """Return one sentence on a comparison that decides nothing, none if the record lacks its runs."""
    try:
        values = list(compare().values.values())
    except Missing:
        return ()
    if len(values) < 2:
        return ()
    mean, low, high = t_interval(values)
    return (f"beside it, {name}: {mean:+.3g} {unit} [{low:+.3g}, {high:+.3g}]",)
