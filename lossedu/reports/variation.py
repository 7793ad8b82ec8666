"""What the runs of `total_variation` found: edges, flat ground, ramps and discs, and networks with a regulariser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from .. import _validate
from ..experiments.total_variation import REGULARISERS
from ..experiments.tv_network import ARMS
from ..figures import chart, loss_style
from ..ledger import claims_total_variation
from ..records import Record
from ..statistics import Interval
from . import wording
from .wording import estimate, number, with_half

#: Arm of the experiment -> its name in a table.
TERMS = {"tv": "TV", "squared": "squared"}

#: Arm of the experiment -> name of its look.
LOOKS = {"tv": "tv", "squared": "tv_squared"}

#: The four panels: task, measure, factor, title, unit.
PANELS: Sequence[tuple[str, str, float, str, str]] = (
    ("step", "rise", 1, "step: rise of the edge", "10–90 % rise (pixels)"),
    ("step", "flat", 1000, "step: noise left beside it", "noise left (10⁻³)"),
    ("photographs", "edge", 1000, "photographs: at strong edges", "error (10⁻³)"),
    ("photographs", "flat", 1000, "photographs: in flat regions", "error (10⁻³)"),
)

#: Wording of a network and what it is compared with.
ROWS = {"plain": "ℓ2 alone", "network": "in the loss", "applied": "applied to the output of ℓ2 alone"}
NAMES = {"l2_tv": "TV", "l2_squared": "squared"}


def values(record: Record, task: str, arm: str, noise: float, measure: str) -> list[float]:
    """Return one number a draw."""
    runs = [run for run in record.runs if (run["task"], run["arm"]) == (task, arm)]
    return [run["levels"][f"{noise:g}"][measure] for run in sorted(runs, key=lambda run: run["seed"])]


def change(record: Record, task: str, noise: float, measure: str) -> Interval:
    """Return by how many percent TV is above squares, each draw with itself."""
    pairs = zip(*(values(record, task, arm, noise, measure) for arm in REGULARISERS), strict=True)
    return estimate([100 * (tv / squared - 1) for tv, squared in pairs])


def lead(record: Record, task: str, noise: float) -> Interval:
    """Return by how many decibels TV is ahead of squares, each draw with itself."""
    pairs = zip(*(values(record, task, arm, noise, "psnr") for arm in REGULARISERS), strict=True)
    return estimate([tv - squared for tv, squared in pairs])


def draw_noise(record: Record) -> Figure:
    """Draw edges and flat ground against the strength of the noise: means over draws with their intervals."""
    figure, axes = chart(2, rows=2, height=620)
    noises = record.settings["noises"]
    for ax, (task, measure, factor, title, unit) in zip(axes, PANELS, strict=True):
        for arm, look in LOOKS.items():
            style = loss_style(look)
            found = [estimate([factor * v for v in values(record, task, arm, noise, measure)]) for noise in noises]
            means = [one.mean for one in found]
            ends = [[one.mean - one.low for one in found], [one.high - one.mean for one in found]]
            ax.errorbar(noises, means, yerr=ends, capsize=4, **style)
        ax.set(title=title, ylabel=unit, xscale="log", xlabel="noise (1 = the whole range)")
        ax.set_xticks(noises, [f"{noise:g}" for noise in noises])
        ax.set_xticks([], minor=True)
        ax.set_ylim(bottom=0)
    axes[0].legend()
    wording.remark(figure, wording.unfinished(record))
    return figure


def table(record: Record) -> str:
    """Return as Markdown by how many dB TV is ahead of squares, by noise: step, photographs, ramp."""
    tasks = {"step": "step", "photographs": "photographs", "ramp": "ramp"}
    rows = [
        [f"{noise:g}", *(with_half(lead(record, task, noise), 1, signed=True) for task in tasks)]
        for noise in record.settings["noises"]
    ]
    return wording.markdown_table(["noise", *(f"{name}, TV over squared (dB)" for name in tasks.values())], rows)


def weight_table(record: Record) -> str:
    """Return as Markdown the tuned weights, by noise: TV, then squares, of the step, the photographs and the ramp."""
    columns = [(task, arm) for arm in REGULARISERS for task in ("step", "photographs", "ramp")]
    rows = []
    for noise in record.settings["noises"]:
        weights = [values(record, task, arm, noise, "weight")[0] for task, arm in columns]
        rows.append([f"{noise:g}", *(f"{weight:.3g}" for weight in weights)])
    return wording.markdown_table(["noise", *(f"{TERMS[arm]}, {task}" for task, arm in columns)], rows)


def detail_table(record: Record) -> str:
    """Return as Markdown, by noise, where in photographs TV leads, what both leave of a step, and treads of a ramp."""
    heads = ["edges of photographs, TV over squared (%)", "flat regions, TV over squared (%)"]
    heads += ["height of the step left, TV (%)", "height left, squared (%)", "treads of the ramp, TV (%)"]
    left = (("step", "tv", "contrast"), ("step", "squared", "contrast"), ("ramp", "tv", "stairs"))
    rows = []
    for noise in record.settings["noises"]:
        cells = [with_half(change(record, "photographs", noise, part), 1, signed=True) for part in ("edge", "flat")]
        for task, arm, measure in left:
            shares = [100 * share for share in values(record, task, arm, noise, measure)]
            cells.append(with_half(estimate(shares), 0))
        rows.append([f"{noise:g}", *cells])
    return wording.markdown_table(["noise", *heads], rows)


def disc_table(record: Record) -> str:
    """Return as Markdown the contrast that discs lose at their centre, beside 2w/r."""
    runs = [run for run in record.runs if run["task"] == "disc"]
    rows = [
        [
            f"{run['radius']}",
            f"{run['weight']:g}",
            f"{run['predicted']:.4f}",
            f"{run['lost']:.4f}",
            f"{number(100 * (run['lost'] / run['predicted'] - 1), 1, signed=True)} %",
        ]
        for run in sorted(runs, key=lambda run: (run["radius"], run["weight"]))
    ]
    return wording.markdown_table(["radius", "w", "predicted 2w/r", "lost", "off by"], rows)


def rests_on(record: Record, claim: str) -> str:
    """Return as Markdown the comparisons that a claim rests on, a line each; of discs from the least to the largest."""
    rules = {one.id: one.rule for one in claims_total_variation.CLAIMS}
    _validate.option("claim", claim, rules)
    rule = rules[claim]
    assert rule is not None
    lines = []
    for part in rule(record).parts:
        mean, low, high = part.interval()
        digits = 0 if abs(mean) >= 5 else 1
        ends = f"{number(low, digits, signed=True)} to {number(high, digits, signed=True)}"
        side = {1: "claimed above", -1: "claimed below", 0: "claimed within"}[part.claimed]
        lines.append(
            f"- {part.name}: {number(mean, digits, signed=True)} {part.unit} ({ends}, {len(part.values)} {part.of}); "
            f"{side}, margin {part.margin:g} {part.unit}"
        )
    return "\n".join(lines)


def network_table(record: Record) -> str:
    """Return as Markdown what the regulariser does in the loss and what it does to the output: means over seeds."""
    columns = {
        "psnr": ("PSNR (dB)", 1, 2),
        "tv": ("TV, % of clean", 100, 0),
        "detail": ("fine detail left (%)", 100, 0),
    }
    columns["flat"] = ("error, flat (10⁻³)", 1000, 1)
    lines = []
    for arm, name in NAMES.items():
        runs = network_runs(record, arm)
        for kind, words in ROWS.items():
            if kind == "plain" and arm != "l2_tv":
                continue
            title = words if kind == "plain" else f"{name} {words}"
            cells = [
                with_half(estimate([factor * run[kind][column] for run in runs]), digits)
                for column, (_, factor, digits) in columns.items()
            ]
            lines.append([title, *cells])
    return wording.markdown_table(["output of", *(head for head, _, _ in columns.values())], lines)


def network_runs(record: Record, arm: str) -> list[Mapping[str, Any]]:
    """Return the networks trained with a regulariser, by seed."""
    runs = [run for run in record.runs if (run["task"], run["arm"]) == ("network", arm)]
    return sorted(runs, key=lambda run: run["seed"])


def network_sentence(record: Record) -> str:
    """Return as Markdown how what the loss does agrees with what the regulariser does to a picture."""
    lines = []
    for arm, name in NAMES.items():
        runs = network_runs(record, arm)
        agree = estimate([run["agreement"] for run in runs])
        size = with_ends(estimate([run["strength"] for run in runs]), 2)
        left = with_ends(estimate([run["network"]["tv"] / run["applied"]["tv"] for run in runs]), 2)
        network, applied = (with_ends(flat_removed(record, arm, kind), 0, " %") for kind in ("network", "applied"))
        lines.append(
            f"- **{name}, c = {ARMS[arm][1]:g}:** correlation of the two changes {with_half(agree, 2)}; "
            f"size of the network's change, as a share of the predicted one: {size}; variation of "
            f"its output, as a share of the predicted one: {left}; of the error in flat regions "
            f"the loss takes off {network}, the regulariser on the output {applied}; {len(runs)} seeds."
        )
    return "\n".join([*lines, *wording.unfinished(record)])


def flat_removed(record: Record, arm: str, kind: str) -> Interval:
    """Return the percentage of the plain network's error in flat regions that is gone, each seed with itself."""
    return estimate([100 * (1 - run[kind]["flat"] / run["plain"]["flat"]) for run in network_runs(record, arm)])


def with_ends(found: Interval, digits: int, unit: str = "") -> str:
    """Return a mean and the ends of its interval, where it has one: "0.43 (0.32 to 0.54)"."""
    mean, low, high = (number(value, digits) for value in found)
    return f"{mean}{unit}" if low == wording.NOTHING else f"{mean}{unit} ({low} to {high})"
