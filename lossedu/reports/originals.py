"""The main comparisons of Table 1 once more: on the pictures as they came, and for networks without a way back."""

from __future__ import annotations

import math
from typing import NamedTuple

from ..ledger.evidence import INPUT, Missing, Nets, paired
from ..records import Record
from . import wording
from .indices import INDICES
from .wording import NOTHING, estimate, label, plain, with_half

#: Test set -> how its pictures are called: those of the first column are halved, which takes JPEG out of them.
SETS = {"test": "halved", "original": "original"}

#: Task -> in words.
WHERE = {"dd": "mosaic", "jpeg": "JPEG", "sr2": "super-resolution"}


class Contest(NamedTuple):
    """A loss and what it is compared with, another or the damaged pictures, by one column; see `evidence.compared`."""

    task: str
    arm: str
    base: str
    column: str
    how: str = "difference"


CONTESTS = (
    Contest("dd", "l1", "l2", "mse", "dB"),
    Contest("dd", "mix", "l1", "psnr"),
    Contest("sr2", "mix", "l1", "psnr"),
    Contest("jpeg", "mix", "l1", "psnr"),
    Contest("jpeg", "mix", "l1", "ssim"),
    Contest("jpeg", "l2", INPUT, "mse", "dB"),
    Contest("jpeg", "ms_ssim", INPUT, "psnr"),
    Contest("jpeg", "ms_ssim", INPUT, "mse", "dB"),
    Contest("jpeg", "ms_ssim", "l2", "ms_ssim"),
)


def values(record: Record, contest: Contest, where: str) -> list[float]:
    """Return a comparison by seed, on one set of pictures; empty where the record does not have it."""
    pair = Nets(contest.arm, contest.task), Nets(contest.base, contest.task)
    try:
        found = paired(record, *pair, contest.column, where, how=contest.how)
    except Missing:
        return []
    return list(found.values.values())


def table(back: Record, without: Record) -> str:
    """Return as Markdown all comparisons, one row each: by record, and by set of pictures.

    Parameters
    ----------
    back, without : Record
        Of Table 1, from networks with and without a way back to their input.
    """
    shown = [
        (record, where, f"{words}, {pictures}")
        for record, words in ((back, "way back"), (without, "without"))
        for where, pictures in SETS.items()
    ]
    rows = []
    for contest in CONTESTS:
        cells = [_cell(values(record, contest, where), contest) for record, where, _ in shown]
        rows.append([_words(contest), *cells])
    notes = [
        "Mean over seeds ± half of the 95 % interval; ~: it holds 0. In dB of a squared error, above 0 the first has "
        f"less of it. {NOTHING}: not measured."
    ]
    notes += [sentence for record in (back, without) for sentence in wording.unfinished(record)]
    notes += [sentence for record in (back, without) for sentence in wording.losses_left_out(record.runs)]
    head = ["comparison", *(words for *_, words in shown)]
    return "\n\n".join([wording.markdown_table(head, rows), " ".join(notes)])


def _words(contest: Contest) -> str:
    index = "squared error (dB)" if contest.column == "mse" else plain(INDICES[contest.column].label)
    base = "its input" if contest.base == INPUT else label(contest.base)
    return f"{WHERE[contest.task]}: {label(contest.arm)} over {base}, {index}"


def _cell(found: list[float], contest: Contest) -> str:
    interval = estimate(found)
    if not math.isfinite(interval.mean):
        return NOTHING
    usual = 2 if contest.how == "dB" else INDICES[contest.column].digits
    text = with_half(interval, wording.decimals([interval.high - interval.mean], usual), signed=True)
    return text + (" ~" if interval.low <= 0 <= interval.high else "")
