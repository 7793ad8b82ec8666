"""How many seeds a claim needs: the pilot's spread, and the interval that more of them would give."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from ..ledger import CLAIMS
from ..ledger.evidence import Missing
from ..records import Record
from ..statistics import t_quantile
from .wording import markdown_table, number

#: Beyond this nobody would go.
MOST = 100


def seeds_needed(values: Sequence[float], margin: float, *, most: int = MOST) -> int | None:
    r"""Return the number of seeds whose 95 % interval is expected to reach no farther than the margin from its mean.

    .. math:: \min\{n \ge 3 : t_{0.975,\,n-1}\; s / \sqrt n \le \delta\}

    Parameters
    ----------
    values : sequence of float
        Differences of a pilot, one a seed, at least two; s is their standard deviation.
    margin : float
        Half-width that is wanted, above 0.
    most : int
        None is returned where more than so many are needed.

    Raises
    ------
    ValueError
        If there are fewer than two values, or the margin is not above 0.

    Examples
    --------
    >>> seeds_needed([0.1, 0.3, 0.2], margin=0.1)
    7
    """
    if len(values) < 2 or not margin > 0:
        raise ValueError(f"values must be two or more and margin above 0, got {len(values)} and {margin!r}")
    spread = statistics.stdev(values)
    return next((n for n in range(3, most + 1) if t_quantile(0.975, n - 1) * spread / math.sqrt(n) <= margin), None)


def table(record: Record) -> str:
    """Return as Markdown what each claim's comparisons of a record would need: one row a comparison.

    Comparisons without a margin or of fewer than two seeds are left out, and claims that the record has no runs of.
    """
    rows = []
    for claim in CLAIMS:
        if claim.rule is None or claim.experiment != record.experiment:
            continue
        try:
            parts = claim.rule(record).parts
        except Missing:
            continue
        for part in parts:
            if len(part.values) < 2 or not part.margin > 0 or part.exact:
                continue
            mean, low, high = part.interval()
            needed = seeds_needed(part.values, part.margin)
            rows.append(
                [
                    f"{claim.id}: {part.name}",
                    f"{number(mean, 3, signed=True)} {part.unit}",
                    number((high - low) / 2, 3),
                    f"{part.margin:g}",
                    str(len(part.values)),
                    f"over {MOST}" if needed is None else str(needed),
                ]
            )
    return markdown_table(["comparison", "mean", "half of the interval", "margin", "seeds", "seeds needed"], rows)
