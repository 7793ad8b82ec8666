"""Which verdicts change if noise, network and loss live in linear light instead of display values."""

from __future__ import annotations

from typing import NamedTuple

from ..experiments.linear_or_display import TASKS
from ..ledger.claim import part
from ..ledger.decision import LEAST_SEEDS, zone
from ..ledger.evidence import Missing, Nets, Paired, paired
from ..ledger.parts import Part
from ..records import Record
from . import wording
from .verdicts import formulas
from .wording import NOTHING, estimate, number

#: What stands for a word where there is none.
FEW = "too few seeds"


class Contest(NamedTuple):
    """A comparison that a claim rests on: which claim, two losses, the column, and how both are compared."""

    claim: str
    words: str
    arm: str
    base: str
    column: str
    how: str
    unit: str
    claimed: int = 1
    par: bool = False


#: Comparisons that claims on Table 1 rest on, as far as the experiment has their losses.  Z9 itself has SSIM_1.5.
CONTESTS = (
    Contest("Z1", "l1 over l2 by pooled squared error", "l1", "l2", "mse", "dB", "dB"),
    Contest("Z8", "Mix over l1 by mean PSNR", "mix", "l1", "psnr", "difference", "dB"),
    Contest("Z9", "SSIM_5 over l1 by SSIM", "ssim_5", "l1", "ssim", "difference", "SSIM", -1, True),
    Contest("Z16", "MS-SSIM over l1 by the channels' mean error", "ms_ssim", "l1", "bias", "percent", "%"),
)


def compared(record: Record, contest: Contest, task: str) -> tuple[Part, Paired]:
    """Return a comparison on one of the two tasks, both judged as they are shown."""
    pair = Nets(contest.arm, task), Nets(contest.base, task)
    found = paired(record, *pair, contest.column, how=contest.how)
    return part(contest.words, found, contest.unit, claimed=contest.claimed, par=contest.par), found


def word(one: Part) -> str:
    """Return where the interval of a comparison lies, see `ledger.decision.zone`; too few seeds say nothing."""
    if len(one.values) < LEAST_SEEDS:
        return FEW
    return zone(one.interval(), one.margin, claimed=one.claimed, par=one.par)


def table(record: Record) -> str:
    """Return as Markdown each comparison in display values and in linear light, and whether its word changes."""
    lines = []
    for contest in CONTESTS:
        try:
            parts = [compared(record, contest, task)[0] for task in TASKS]
        except Missing:
            continue
        words = [word(one) for one in parts]
        cells = [f"{_numbers(one)}: {said}" for one, said in zip(parts, words, strict=True)]
        changed = NOTHING if FEW in words else "changes" if words[0] != words[1] else "the same"
        lines.append([f"[{contest.claim}](#{contest.claim.lower()}): {formulas(contest.words)}", *cells, changed])
    head = ["comparison", "display values", "linear light", "the word"]
    text = (
        "Mean and 95 % interval over seeds. Outputs in linear light are encoded before they are judged. "
        "Step sizes were tuned in display values, and are the same in linear light."
    )
    gone = wording.losses_left_out(record.runs) + wording.unfinished(record)
    return "\n\n".join([wording.markdown_table(head, lines), " ".join([text, *gone])])


def _numbers(one: Part) -> str:
    if not one.values:
        return NOTHING
    found = estimate(one.values)
    digits = 4 if one.unit == "SSIM" else 1 if one.unit == "%" else 2
    mean, low, high = (number(value, digits, signed=True) for value in found)
    return f"{mean} {one.unit}" + (f" ({low} to {high})" if low != NOTHING else "")
