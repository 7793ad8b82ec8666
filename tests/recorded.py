"""What the tests of the chapters' conclusions share."""

from __future__ import annotations

from lossedu.statistics import Interval


def sign(found: Interval) -> int:
    """Return -1 or 1 where the interval lies on one side of zero, and 0 where it holds zero."""
    return (found.low > 0) - (found.high < 0)
