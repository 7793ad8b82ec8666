"""The measured part of the explorable on blurred critics: who gets what right, as SVG text and as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from . import critic_scene as scene
from .axes import LinearAxis, frame
from .base import escape

#: (judge, task) -> rows of standard deviation of the blur, mean share of right answers, lower and upper end.
Accuracies = Mapping[tuple[str, str], Sequence[Sequence[float]]]
#: Task -> judge -> the rows.
Tasks = dict[str, dict[str, list[tuple[float, ...]]]]


class Judge(NamedTuple):
    """How a judge is called and drawn: its name, colour, dashes and the way of its dots to the right in pixels."""

    name: str
    colour: str
    dashes: str
    aside: float


#: In the order of the legend.
JUDGES = {
    "critic": Judge("critic", "--lx-p", "none", -2.4),
    "critic_plain": Judge("critic, no instance norm", "--lx-t", "7 3", -0.8),
    "spectrum": Judge("spectrum reader", "--lx-a", "2 3", 0.8),
    "spectrum_8bit": Judge("spectrum reader, 256 levels", "--lx-o", "8 3 2 3", 2.4),
}
TASKS = {"texture": "texture", "grain": "grain", "cast": "warm cast", "tint": "uniform tint"}
CHANCE = 0.5
X, Y = LinearAxis(0, scene.WIDEST, 40, 372), LinearAxis(40, 100, 172, 24)
_TICKS = (0, 1.73, 3, 4.34, 6, 9, 13)


def _rounded(row: Sequence[float]) -> tuple[float, ...]:
    """Return a row with four decimals, its interval cut off at 0 and 1: one from a t distribution may reach beyond."""
    sd, *shares = (round(float(value), 4) for value in row)
    return (sd, *shares[:1], *(min(1.0, max(0.0, end)) for end in shares[1:]))


def by_task(accuracies: Accuracies | None) -> Tasks:
    """Return checked accuracies, judges in the order of `JUDGES` and rows by rising blur; nothing for None.

    Raises
    ------
    ValueError
        If a key is not a judge and a task, or a row not four numbers: a deviation from 0 to 13, and a mean from 0 to 1
        within its interval.
    """
    given = accuracies or {}
    for key, rows in given.items():
        if not (isinstance(key, tuple) and len(key) == 2 and key[0] in JUDGES and key[1] in TASKS):
            known = f"one of {', '.join(JUDGES)}, and one of {', '.join(TASKS)}"
            raise ValueError(f"accuracies must have keys (judge, task), {known}, got {key!r}")
        for row in rows:
            values = _rounded(row)
            if len(row) != 4 or not 0 <= row[0] <= scene.WIDEST or not 0 <= values[2] <= values[1] <= values[3] <= 1:
                wanted = f"rows (sd from 0 to {scene.WIDEST:g}, mean, low, high) with low <= mean <= high, means 0 to 1"
                raise ValueError(f"accuracies must hold {wanted}, got {tuple(row)!r} for {key!r}")
    tasks: Tasks = {}
    for task in TASKS:
        found = {judge: given[judge, task] for judge in JUDGES if given.get((judge, task))}
        if found:
            tasks[task] = {judge: sorted(map(_rounded, rows)) for judge, rows in found.items()}
    return tasks


def judges(tasks: Tasks) -> list[str]:
    """Return the judges that were measured, in the order of the legend."""
    return [judge for judge in JUDGES if any(judge in found for found in tasks.values())]


def nearest(rows: Sequence[tuple[float, ...]], sd: float) -> tuple[float, ...]:
    """Return the row whose blur is nearest, of two as near the narrower."""
    return min(rows, key=lambda row: (abs(row[0] - sd), row[0]))


def whole(share: float) -> str:
    """Return a share as a whole number of per cent, of two as near the higher."""
    return str(math.floor(100 * share + 0.5))


def cell(rows: Sequence[tuple[float, ...]] | None, sd: float) -> tuple[str, str, str]:
    """Return the share of right answers at the nearest blur, its interval, and whether it is "above" chance or not."""
    if not rows:
        return "–", "", "none"
    _, mean, low, high = nearest(rows, sd)
    return f"{whole(mean)} %", f"{whole(low)}–{whole(high)}", "above" if low > CHANCE else "chance"


def blind_to_texture_alone(tasks: Tasks, judge: str) -> list[float]:
    """Return the blurs at which a judge's texture is at chance (its interval reaches 50 %), and its cast above."""
    texture, cast = (tasks.get(task, {}).get(judge, []) for task in ("texture", "cast"))
    seen = {row[0] for row in cast if row[2] > CHANCE}
    return [row[0] for row in texture if row[2] <= CHANCE and row[0] in seen]


def _short(value: float) -> str:
    """Return a coordinate with one digit; of two that are as near the higher, as the page does."""
    return f"{math.floor(10 * value + 0.5) / 10:.1f}"


def _height(share: float) -> str:
    return _short(Y(max(Y.low, 100 * share)))


def lines(rows: Sequence[tuple[float, ...]], aside: float) -> tuple[str, str, str]:
    """Return the line through the means, the intervals, and the dots of a judge, `aside` pixels to the right."""
    places = [_short(X(row[0]) + aside) for row in rows]
    means = [f"{x},{_height(row[1])}" for x, row in zip(places, rows, strict=True)]
    spans = (f"M{x},{_height(row[2])}V{_height(row[3])}" for x, row in zip(places, rows, strict=True))
    return "M" + "L".join(means) if means else "", "".join(spans), "".join(f"M{mean}h0" for mean in means)


def mark(sd: float) -> str:
    """Return the line that follows the slider."""
    return f"M{_short(X(sd))},{Y.end}V{Y.start}"


def svg(tasks: Tasks, task: str, sd: float) -> str:
    """Return the chart of one task with its legend, as the page draws it."""
    parts = [frame(X, Y, _TICKS, (40, 50, 60, 70, 80, 90, 100), "standard deviation of the blur (px)", "right (%)")]
    parts.append(
        f'<path d="M{X.start:g},{Y(100 * CHANCE):g}H{X.end:g}" fill="none" stroke="var(--lx-ink)" stroke-width="1"/>'
        f'<text x="{X.end:g}" y="{Y(100 * CHANCE) + 14:g}" text-anchor="end">chance</text>'
        f'<path data-part="now" d="{mark(sd)}" fill="none" stroke="var(--lx-ink)" stroke-width="1.5"/>'
    )
    legend = []
    for name in judges(tasks):
        judge = JUDGES[name]
        stroke = f'fill="none" stroke="var({judge.colour})"'
        dashes = "" if judge.dashes == "none" else f' stroke-dasharray="{judge.dashes}"'
        line, spans, dots = lines(tasks.get(task, {}).get(name, []), judge.aside)
        parts.append(
            f'<path data-part="{name}" d="{line}" {stroke} stroke-width="2"{dashes}/>'
            f'<path data-part="{name}-spans" d="{spans}" {stroke} stroke-width="1.3"/>'
            f'<path data-part="{name}-dots" d="{dots}" {stroke} stroke-width="6" stroke-linecap="round"/>'
        )
        legend.append(
            f'<span><svg viewBox="0 0 30 12" width="30" height="12" aria-hidden="true"><path d="M0,6H30" {stroke} '
            f'stroke-width="2"{dashes}/></svg> {escape(judge.name)}</span>'
        )
    return (
        f'<div><svg data-chart viewBox="0 0 384 {Y.start + 38:g}" role="img" aria-label="Share of right answers '
        f'against the standard deviation of the blur, for each judge; the numbers stand in the table below.">'
        f'{"".join(parts)}</svg><p class="lx-legend">{"".join(legend)}</p></div>'
    )


def table(tasks: Tasks, task: str, sd: float) -> str:
    """Return what each judge gets right at the blur measured nearest, for all tasks."""
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in TASKS.values())
    rows = []
    for name in judges(tasks):
        cells = []
        for each in TASKS:
            mean, span, state = cell(tasks.get(each, {}).get(name), sd)
            key = f"{name}-{each}"
            cells.append(
                f'<td data-cell="{key}" data-state="{state}"><b data-out="{key}">{mean}</b> '
                f'<span data-out="{key}-span">{span}</span></td>'
            )
        rows.append(f'<tr><th scope="row">{escape(JUDGES[name].name)}</th>{"".join(cells)}</tr>')
    return (
        "<div><table><caption>Right answers and intervals in per cent, at the blur measured nearest: "
        f'<span data-out="measured">{measured(tasks, sd)}</span>. Framed: at chance.</caption>'
        f'<thead><tr><th scope="col">judge</th>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def measured(tasks: Tasks, sd: float) -> str:
    """Return the blur measured nearest, among all judges and tasks."""
    rows = [row for found in tasks.values() for each in found.values() for row in each]
    return f"{nearest(rows, sd)[0]:.2f} px" if rows else "none"
