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
#: Task -> judge -> the rows, in per cent.
Tasks = dict[str, dict[str, list[tuple[float, ...]]]]


class Judge(NamedTuple):
    """How a judge is called and drawn: its name, colour, dashes and the way of its dots to the right in pixels."""

    name: str
    colour: str
    dashes: str
    aside: float


#: In the order of the legend.
JUDGES = {
    "critic": Judge("critic, instance norm", "--lx-p", "none", -2.4),
    "critic_plain": Judge("critic, no norm", "--lx-t", "7 3", -0.8),
    "spectrum": Judge("spectrum, exact numbers", "--lx-a", "2 3", 0.8),
    "spectrum_8bit": Judge("spectrum, 256 levels", "--lx-o", "8 3 2 3", 2.4),
}
TASKS = {"texture": "texture", "grain": "grain", "cast": "warm cast", "tint": "uniform tint"}
CHANCE = 50.0
X, Y = LinearAxis(0, scene.WIDEST, 40, 372), LinearAxis(40, 100, 172, 24)
#: The window of DPED's code is no Gaussian: it is cut off where it still has a tenth of its peak, so lines pass it by.
CUT = scene.MARKS[43]
#: Blurs that differ by less are the same.
SAME = 0.02
_TICKS = (0, 1.73, 3, 4.34, 6, 9, 13)


def _checked(key: object, row: Sequence[float]) -> tuple[float, ...]:
    """Return a row in per cent, its interval cut off at 0 and 100: one from a t distribution may reach beyond."""
    if len(row) == 4:
        sd, mean, *ends = round(float(row[0]), 4), *(round(100 * float(share), 2) for share in row[1:])
        low, high = (end if math.isnan(end) else min(100.0, max(0.0, end)) for end in ends)
        within = low <= mean <= high or (math.isnan(low) and math.isnan(high))
        if 0 <= sd <= scene.WIDEST and 0 <= mean <= 100 and within:
            return sd, mean, low, high
    wanted = f"(sd from 0 to {scene.WIDEST:g}, mean, low, high) with shares of 1, low <= mean <= high or both NaN"
    raise ValueError(f"accuracies must hold rows {wanted}, got {tuple(row)!r} for {key!r}")


def by_task(accuracies: Accuracies | None) -> Tasks:
    """Return checked accuracies in per cent, judges in the order of `JUDGES` and rows by rising blur; nothing for None.

    Judges and tasks that the page does not know are left out.

    Raises
    ------
    ValueError
        If the page knows none of the keys, or a row is not four numbers: a deviation from 0 to 13, a mean from 0 to 1
        within its interval, or an interval of NaN for one that is unknown.
    """
    tasks: Tasks = {}
    for task in TASKS:
        for judge in JUDGES:
            if rows := (accuracies or {}).get((judge, task)):
                tasks.setdefault(task, {})[judge] = sorted(_checked((judge, task), row) for row in rows)
    if accuracies and not tasks:
        known = f"(judge, task), one of {', '.join(JUDGES)} and one of {', '.join(TASKS)}"
        raise ValueError(f"accuracies must have keys {known}, got {', '.join(map(repr, accuracies))}")
    return tasks


def plain(tasks: Tasks) -> dict[str, dict[str, list[list[float | None]]]]:
    """Return accuracies as JSON has them: null for NaN."""
    return {
        task: {judge: [[v if v == v else None for v in row] for row in rows] for judge, rows in found.items()}
        for task, found in tasks.items()
    }


def judges(tasks: Tasks) -> list[str]:
    """Return the judges that were measured, in the order of the legend."""
    return [judge for judge in JUDGES if any(judge in found for found in tasks.values())]


def nearest(rows: Sequence[tuple[float, ...]], sd: float) -> tuple[float, ...]:
    """Return the row whose blur is nearest, of two as near the narrower."""
    return min(rows, key=lambda row: (abs(row[0] - sd), row[0]))


def whole(percent: float) -> str:
    """Return per cent as a whole number, of two as near the higher."""
    return str(math.floor(percent + 0.5))


def at(rows: Sequence[tuple[float, ...]], sd: float) -> tuple[float, ...] | None:
    """Return the row that was measured at a blur, if there is one."""
    return next((row for row in rows if abs(row[0] - sd) < SAME), None)


def cell(rows: Sequence[tuple[float, ...]], sd: float) -> tuple[str, str, str]:
    """Return what was measured at a blur, its interval, and "above" or "chance"; "none" where it is unknown."""
    if (row := at(rows, sd)) is None:
        return "–", "", "none"
    _, mean, low, high = row
    if math.isnan(low):
        return f"{whole(mean)} %", "", "none"
    return f"{whole(mean)} %", f"{whole(low)}–{whole(high)}", "above" if low > CHANCE else "chance"


def blind_to_texture_alone(tasks: Tasks, judge: str) -> list[float]:
    """Return the blurs at which a judge's texture is not above chance (its interval reaches 50 %), and its cast is."""
    texture, cast = (tasks.get(task, {}).get(judge, []) for task in ("texture", "cast"))
    return [row[0] for row in texture if row[2] <= CHANCE and (seen := at(cast, row[0])) and seen[2] > CHANCE]


def _short(value: float) -> str:
    """Return a coordinate with one digit; of two that are as near the higher, as the page does."""
    return f"{math.floor(10 * value + 0.5) / 10:.1f}"


def _height(share: float) -> str:
    return _short(Y(max(Y.low, share)))


def lines(rows: Sequence[tuple[float, ...]], aside: float) -> dict[str, str]:
    """Return what is drawn of a judge, `aside` pixels to the right, by the end of its name in the page.

    The line through the means of Gaussian blurs (""), the intervals ("-spans"), the dots ("-dots"), and that dot once
    more which is hollow ("-cut"), as the blur at 4.34 pixels is no Gaussian.
    """
    places = [_short(X(row[0]) + aside) for row in rows]
    means = [f"{x},{_height(row[1])}" for x, row in zip(places, rows, strict=True)]
    known = [(x, row) for x, row in zip(places, rows, strict=True) if not math.isnan(row[2])]
    even = [mean for mean, row in zip(means, rows, strict=True) if abs(row[0] - CUT) >= SAME]
    return {
        "": "M" + "L".join(even) if even else "",
        "-spans": "".join(f"M{x},{_height(row[2])}V{_height(row[3])}" for x, row in known),
        "-dots": "".join(f"M{mean}h0" for mean in means),
        "-cut": "".join(f"M{mean}h0" for mean in means if mean not in even),
    }


def mark(sd: float) -> str:
    """Return the line that follows the slider."""
    return f"M{_short(X(sd))},{Y.end}V{Y.start}"


def svg(tasks: Tasks, task: str, sd: float) -> str:
    """Return the chart of one task with its legend, as the page draws it."""
    parts = [frame(X, Y, _TICKS, (40, 50, 60, 70, 80, 90, 100), "standard deviation of the blur (px)", "right (%)")]
    parts.append(
        f'<path d="M{X.start:g},{Y(CHANCE):g}H{X.end:g}" fill="none" stroke="var(--lx-ink)" stroke-width="1"/>'
        f'<text x="{X.end:g}" y="{Y(CHANCE) + 14:g}" text-anchor="end">chance</text>'
        f'<path data-part="now" d="{mark(sd)}" fill="none" stroke="var(--lx-ink)" stroke-width="1.5"/>'
    )
    legend = []
    for name in judges(tasks):
        judge = JUDGES[name]
        stroke = f'fill="none" stroke="var({judge.colour})"'
        dashes = "" if judge.dashes == "none" else f' stroke-dasharray="{judge.dashes}"'
        strokes = {
            "": f'{stroke} stroke-width="2"{dashes}',
            "-spans": f'{stroke} stroke-width="1.3"',
            "-dots": f'{stroke} stroke-width="6" stroke-linecap="round"',
            "-cut": 'fill="none" stroke="var(--lx-paper)" stroke-width="3" stroke-linecap="round"',
        }
        for end, path in lines(tasks.get(task, {}).get(name, []), judge.aside).items():
            parts.append(f'<path data-part="{name}{end}" d="{path}" {strokes[end]}/>')
        legend.append(
            f'<span><svg viewBox="0 0 30 12" width="30" height="12" aria-hidden="true"><path d="M0,6H30" {stroke} '
            f'stroke-width="2"{dashes}/></svg> {escape(judge.name)}</span>'
        )
    legend.append("<span>○ the window of DPED’s code, cut off</span>")
    return (
        f'<div><svg data-chart viewBox="0 0 384 {Y.start + 38:g}" role="img" aria-label="Share of right answers '
        f'against the standard deviation of the blur, for each judge; the numbers stand in the table below.">'
        f'{"".join(parts)}</svg><p class="lx-legend">{"".join(legend)}</p></div>'
    )


def table(tasks: Tasks, task: str, sd: float) -> str:
    """Return what each judge gets right at the blur measured nearest, for all tasks."""
    blur = measured(tasks, sd)
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in TASKS.values())
    rows = []
    for name in judges(tasks):
        cells = []
        for each in TASKS:
            mean, span, state = cell(tasks.get(each, {}).get(name, []), blur)
            key = f"{name}-{each}"
            cells.append(
                f'<td data-cell="{key}" data-state="{state}"><b data-out="{key}">{mean}</b> '
                f'<span data-out="{key}-span">{span}</span></td>'
            )
        rows.append(f'<tr><th scope="row">{escape(JUDGES[name].name)}</th>{"".join(cells)}</tr>')
    return (
        "<div><table><caption>Right answers and intervals in per cent, at the blur measured nearest: "
        f'<span data-out="measured">{blur:.2f} px</span>. Framed: not above chance.</caption>'
        f'<thead><tr><th scope="col">judge</th>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def measured(tasks: Tasks, sd: float) -> float:
    """Return the blur measured nearest, among all judges and tasks."""
    return nearest([row for found in tasks.values() for rows in found.values() for row in rows], sd)[0]
