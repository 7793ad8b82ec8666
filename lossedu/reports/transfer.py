"""What chapter 8 shows of colours learned without pairs: the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import _validate
from ..experiments.ranks import spearman
from ..ledger.evidence import INPUT, entries, images, left_out, paired
from ..ledger.evidence import Nets as Networks
from ..records import Record
from ..statistics import Interval
from .wording import decimals, estimate, losses_left_out, markdown_table, number, with_half

#: Arm -> what it is called, and the loss whose colour it has in figures.
NAMES: Mapping[str, tuple[str, str]] = {
    INPUT: ("tinted input", "input"),
    "paired": ("pairs, ℓ2", "l2"),
    "histogram": ("EMD to another scene", "histogram_emd"),
    "pooled": ("EMD of pooled batches", "histogram_emd"),
    "color": ("colour critic, published", "adversarial_color"),
    "color_slow": ("the same, slow critic", "adversarial_color"),
    "color_r1": ("the same, R1", "adversarial_color"),
    "plain": ("no normalisation", "adversarial_color"),
    "plain_r1_01": ("no normalisation, R1/10", "adversarial_color"),
    "plain_r1": ("no normalisation, R1", "adversarial_color"),
    "plain_r1_10": ("no normalisation, 10 R1", "adversarial_color"),
    "spectral": ("no normalisation, spectral", "adversarial_color"),
    "unblurred": ("R1, no blur", "adversarial_color"),
    "blur_dped": ("R1, DPED's blur", "adversarial_color"),
    "swapped": ("R1, input as real", "adversarial_color"),
    "wespe": ("four terms, published", "weighted"),
    "full": ("four terms, no norm, R1", "weighted"),
    "no_content": ("… without content", "weighted"),
    "no_color": ("… without colour", "weighted"),
    "no_texture": ("… without texture", "weighted"),
    "no_variation": ("… without TV", "weighted"),
}

#: Column -> head, factor, usual decimals.
COLUMNS: Mapping[str, tuple[str, float, int]] = {
    "joint": ("1000 joint ↓", 1000, 1),
    "emd": ("1000 EMD ↓", 1000, 1),
    "de00": ("CIEDE2000 ↓", 1, 1),
    "colour": ("colour → 1", 1, 2),
    "likeness": ("likeness ↑", 1, 2),
    "fine": ("fine → 1", 1, 2),
}

#: A network has collapsed if its mean CIEDE2000 is this many times that of the input.
COLLAPSED = 1.5


def arms_of(record: Record, asked: Sequence[str] = ()) -> list[str]:
    """Return the arms that a record has, in the order of the tables, or those of them that are asked for."""
    for arm in asked:
        _validate.option("arms", arm, NAMES)
    there = {run["arm"] for run in record.runs}
    return [arm for arm in NAMES if arm in there and (not asked or arm in asked)]


def by_seed(record: Record, arm: str, column: str, where: str = "test") -> dict[int, float]:
    """Return the mean over the pictures by seed; networks that diverged are left out."""
    nets = Networks(arm)
    return {
        run["seed"]: float(np.mean(images(record, run, nets, column, where)))
        for run in sorted(entries(record, nets), key=lambda run: run["seed"])
        if left_out(run) is None
    }


def collapsed(record: Record, arm: str, where: str = "test") -> list[int]:
    """Return the seeds of an arm whose colours are far worse than those of the input."""
    (own,) = by_seed(record, INPUT, "de00").values()
    return [seed for seed, value in by_seed(record, arm, "de00", where).items() if value > COLLAPSED * own]


def over_input(record: Record, arm: str, column: str = "joint", where: str = "test") -> Interval:
    """Return by how many percent an arm is above the input, by seed."""
    nets = Networks(arm), Networks(INPUT)
    return estimate(list(paired(record, *nets, column, where, how="percent").values.values()))


def table(record: Record, arms: Sequence[str] = (), where: str = "test") -> str:
    """Return as Markdown the arms of a record: mean over seeds ± half of the interval, and how many collapsed.

    `where` is "test" for the networks after the last step, "averaged" for the moving average of their weights.
    """
    shown = arms_of(record, arms)
    columns: dict[str, list[str]] = {}
    for column, (_, factor, usual) in COLUMNS.items():
        found = [estimate([factor * value for value in by_seed(record, arm, column, where).values()]) for arm in shown]
        digits = decimals((one.high - one.mean for one in found), usual)
        columns[column] = [with_half(one, digits) for one in found]
    rows = []
    for k, arm in enumerate(shown):
        seeds = len(by_seed(record, arm, "de00", where))
        fallen = "" if arm == INPUT else f"{len(collapsed(record, arm, where))} of {seeds}"
        rows.append([NAMES[arm][0], *(columns[column][k] for column in COLUMNS), fallen])
    runs = [run for run in record.runs if run["arm"] in shown]
    pictures = len(record.settings["sets"]["test"])
    weights = "the weights after the last step" if where == "test" else "the moving average of the weights"
    notes = [
        f"Mean over {pictures} pictures and as many seeds as the last column says ± half of the 95 % interval over "
        f"seeds, with {weights}. Joint: distance of the colours, sliced; EMD: of the channels; both in "
        "thousandths of the range. Colour: distance from grey, fine: detail below 1 px, both over the truth's. "
        f"Likeness: correlation with the truth in luma. Collapsed: seeds whose CIEDE2000 is above "
        f"{COLLAPSED:g} times the input's.",
        *losses_left_out(runs),
    ]
    head = ["arm", *(COLUMNS[column][0] for column in COLUMNS), "collapsed"]
    return markdown_table(head, rows) + "\n\n" + " ".join(notes)


def gap(record: Record, arm: str, base: str, column: str, where: str = "test", how: str = "difference") -> Interval:
    """Return by how much the mean over pictures is larger for one arm than for another, by seed."""
    return estimate(list(paired(record, Networks(arm), Networks(base), column, where, how=how).values.values()))


def gaps_table(record: Record, base: str, arms: Sequence[str], where: str = "test") -> str:
    """Return as Markdown what each arm has over another by seed; an interval that does not hold 0 is bold."""
    rows = []
    for arm in arms_of(record, arms):
        cells = [NAMES[arm][0]]
        for column, (_, factor, digits) in COLUMNS.items():
            found = gap(record, arm, base, column, where)
            text = with_half(Interval(*(factor * end for end in found)), digits, signed=True)
            cells.append(text if found.low <= 0 <= found.high else f"**{text}**")
        rows.append(cells)
    note = (
        f"Over “{NAMES[base][0]}”: means of the differences by seed ± half of their 95 % interval; bold where it does "
        "not hold 0."
    )
    return markdown_table(["arm", *(head.split(" ↓")[0].split(" ↑")[0] for head, *_ in COLUMNS.values())], rows) + (
        "\n\n" + note
    )


def gone_table(record: Record, arms: Sequence[str]) -> str:
    """Return as Markdown how much of the input's joint distance from the truth an arm takes away, in percent of it."""
    rows = []
    for arm in arms_of(record, arms):
        cells = [NAMES[arm][0]]
        for where in ("test", "averaged"):
            found = over_input(record, arm, where=where)
            cells.append(with_half(Interval(-found.mean, -found.high, -found.low), 0))
        rows.append([*cells, str(len(by_seed(record, arm, "joint")))])
    note = (
        "How much of the tinted input's joint distance an arm takes away, in percent: "
        "mean over seeds ± half of the 95 % interval. Below 0 it has become more."
    )
    return markdown_table(["arm", "last step", "averaged weights", "seeds"], rows) + "\n\n" + note


def watched(record: Record, arm: str) -> dict[int, list[tuple[int, dict[str, dict[str, float]]]]]:
    """Return what was seen during training: seed -> [(step, {"generator": …, "critic": …, "seen": …})]."""
    return {
        run["seed"]: [(int(step), found) for step, found in run["watched"]]
        for run in entries(record, Networks(arm))
        if left_out(run) is None
    }


def loss_against_colors(record: Record, arm: str, player: str = "generator") -> dict[int, float]:
    """Return by seed the rank correlation, over training, of a player's colour loss and the CIEDE2000 then seen."""
    found = {}
    for seed, course in watched(record, arm).items():
        losses, seen = (
            [step[part][name] for _, step in course] for part, name in ((player, "color"), ("seen", "de00"))
        )
        found[seed] = spearman(np.array(losses), np.array(seen))
    return found


def correlations_table(record: Record, arms: Sequence[str]) -> str:
    """Return as Markdown how the loss of each player goes with the colours that are seen: -1 to 1, by seed."""
    rows = []
    for arm in arms_of(record, arms):
        cells = [NAMES[arm][0]]
        for player in ("generator", "critic"):
            values = loss_against_colors(record, arm, player)
            cells.append(", ".join(number(values[seed], 1, signed=True) for seed in sorted(values)))
        rows.append(cells)
    return markdown_table(["arm", "generator's loss, by seed", "critic's loss, by seed"], rows)
