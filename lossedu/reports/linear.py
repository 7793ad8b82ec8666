"""Which verdicts change if noise, network and loss live in linear light instead of display values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..experiments.linear_or_display import ARMS, TASKS
from ..ledger.claim import part
from ..ledger.decision import LEAST_SEEDS, zone
from ..ledger.evidence import Missing, Nets, Paired, paired, seed_values
from ..ledger.parts import Part
from ..records import Record
from . import wording
from .verdicts import formulas
from .wording import NOTHING, estimate, label, number, with_half

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
        cells = [f"{_numbers(one.values, one.unit)}: {said}" for one, said in zip(parts, words, strict=True)]
        # A percentage has a base of its own in each space: `tell_shifts` has the numbers that can be compared.
        cells.append(NOTHING if contest.unit == "%" else _numbers(change(record, contest), contest.unit))
        changed = NOTHING if FEW in words else "changes" if words[0] != words[1] else "the same"
        lines.append([f"[{contest.claim}](#{contest.claim.lower()}): {formulas(contest.words)}", *cells, changed])
    head = ["comparison", "display values", "linear light", "linear light − display values", "the word"]
    text = (
        "Mean and 95 % interval over seeds. Outputs in linear light are encoded before they are judged. "
        "Step sizes were tuned in display values, and are the same in linear light."
    )
    gone = wording.losses_left_out(record.runs) + wording.unfinished(record)
    return "\n\n".join([wording.markdown_table(head, lines), " ".join([text, *gone])])


def change(record: Record, contest: Contest) -> list[float]:
    """Return by seed by how much a comparison is larger in linear light than in display values."""
    display, light = (compared(record, contest, task)[1].values for task in TASKS)
    return [light[seed] - display[seed] for seed in light if seed in display]


def shifts(record: Record) -> dict[tuple[str, str], list[float]]:
    """Return by (loss, task) and seed the channels' mean error itself, which Z16 compares."""
    contest = CONTESTS[3]
    return {
        (arm, task): list(seed_values(record, task, arm, contest.column).values())
        for arm in (contest.arm, contest.base)
        for task in TASKS
    }


def tell_shifts(record: Record) -> str:
    """Return in a sentence how large the channels' mean error is that Z16 compares in percent."""
    parts = []
    for arm in (CONTESTS[3].arm, CONTESTS[3].base):
        found = (with_half(estimate([1000 * v for v in shifts(record)[arm, task]]), 1) for task in TASKS)
        parts.append(f"{label(arm)} {next(found)} in display values and {next(found)} in linear light")
    return f"The channels' mean error itself, in thousandths of the range: {'; '.join(parts)}."


def gains(record: Record) -> dict[str, dict[str, float]]:
    """Return by task the mean PSNR of the input, and by how much each loss is above it, mean over seeds."""
    column = record.settings["columns"].index("psnr")
    found = {}
    for task in TASKS:
        before = float(record.scores[f"{task}-input-0@test"][:, column].mean())
        after = {arm: estimate(list(seed_values(record, task, arm, "psnr").values())).mean for arm in ARMS}
        found[task] = {"input": before, **{arm: value - before for arm, value in after.items()}}
    return found


def tell_gains(record: Record) -> str:
    """Return as Markdown how far the networks came from their input."""
    head = ["space", "PSNR of the input (dB)", *(f"{label(arm)} over it" for arm in ARMS)]
    rows = []
    for task, name in zip(TASKS, ("display values", "linear light"), strict=True):
        found = gains(record)[task]
        rows.append([name, number(found["input"], 2), *(number(found[arm], 2, signed=True) for arm in ARMS)])
    return wording.markdown_table(head, rows)


def _numbers(values: Sequence[float], unit: str) -> str:
    if not values:
        return NOTHING
    found = estimate(values)
    digits = 4 if unit == "SSIM" else 1 if unit == "%" else 2
    mean, low, high = (number(value, digits, signed=True) for value in found)
    return f"{mean} {unit}" + (f" ({low} to {high})" if low != NOTHING else "")
