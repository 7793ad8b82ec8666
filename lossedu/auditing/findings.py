"""What a check can say."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: From worst to mildest.
SEVERITIES = ("error", "warning", "info")

#: The one check whose outcome differs from run to run; a notebook does not store it.
TIMING = "time beside MSE"


@dataclass(frozen=True)
class Finding:
    """Something that the reader of an audit should know.

    Attributes
    ----------
    name : str
        What it is about: ``"dead term"``, ``"data range"``.
    severity : {"error", "warning", "info"}
        An error makes training go wrong or fail; a warning may, depending on use; an info is a property to know.
    evidence : str
        What was tried and what happened, with numbers.
    advice : str
        What to do.
    """

    name: str
    severity: str
    evidence: str
    advice: str

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(f"severity must be one of {', '.join(SEVERITIES)}, got {self.severity!r}")


@dataclass(frozen=True)
class Check:
    """One thing that was tried.

    Attributes
    ----------
    name : str
        The question.
    status : {"passed", "found", "skipped"}
        "skipped" where the question makes no sense for this loss, or could not be asked.
    outcome : str
        What happened, in a line.
    """

    name: str
    status: str
    outcome: str

    @property
    def lasting(self) -> str:
        """The outcome without what the clock said, so that a notebook that is run again stores the same bytes."""
        return self.outcome if self.name != TIMING else "not stored, as it differs from run to run: print(report)"


class Skipped(Exception):
    """Raised by a check that does not apply; its message says why."""


#: What a check returns: what happened, and the findings, if any.
Outcome = tuple[str, list[Finding]]


def brief(value: float) -> str:
    """Return a number in three digits, without an exponent where it reads well without."""
    text = f"{value:.3g}"
    if "e+" not in text or not math.isfinite(value) or abs(value) >= 1e7:
        return text
    return f"{float(text):,.0f}"
