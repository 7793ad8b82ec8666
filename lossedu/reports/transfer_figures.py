"""What chapter 8 shows of colours learned without pairs: pictures, and the course of training."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from ..experiments import color_transfer, transfer_scenes
from ..figures import chart, image_strip, loss_style
from ..figures.style import FAINT
from ..records import Record
from .transfer import NAMES, by_seed, over_input, watched

#: What is cut out of the photograph, rows and columns.
CUT = (..., slice(30, 86), slice(44, 100))

#: Arms of `strip` in its order, and what they are called there.
SHOWN = {
    "paired": "pairs",
    "pooled": "pooled EMD",
    "plain_r1": "no norm, R1",
    "wespe": "four terms",
}


def strip(record: Record, arms: Sequence[str] = tuple(SHOWN), columns: int = 3) -> Figure:
    """Draw a photograph tinted and as it was, and what the generators of seed 0 make of it."""
    scene = transfer_scenes.shown()
    pictures = [scene.x, scene.y, *(color_transfer.picture(record, arm) for arm in arms)]
    titles = ["tinted input", "as it was", *(SHOWN[arm] for arm in arms)]
    return image_strip([picture[CUT] for picture in pictures], titles, columns=columns, zoom=2)


def seeds(record: Record, arm: str = "color") -> Figure:
    """Draw what the generators of all seeds of an arm make of a photograph."""
    numbers = sorted(by_seed(record, arm, "de00"))
    pictures = [color_transfer.picture(record, arm, number) for number in numbers]
    return image_strip([picture[CUT] for picture in pictures], [f"seed {number}" for number in numbers], columns=5)


def courses(record: Record, arms: Sequence[str]) -> Figure:
    """Draw for each arm and seed the loss of both players, and below what is seen: CIEDE2000 of validation pictures."""
    figure, axes = chart(len(arms), rows=2, height=430)
    rows = [axes[: len(arms)], axes[len(arms) :]]
    for place, arm in enumerate(arms):
        above, below = rows[0][place], rows[1][place]
        for number, course in watched(record, arm).items():
            steps = [step for step, _ in course]
            for player, style, color in (
                ("generator", "-", loss_style("adversarial_color")["color"]),
                ("critic", "--", loss_style("l2")["color"]),
            ):
                values = [found[player]["color"] for _, found in course]
                above.plot(steps, values, style, color=color, lw=1, alpha=0.8, label=player if number == 0 else None)
            below.plot(steps, [found["seen"]["de00"] for _, found in course], color=FAINT, lw=1.2)
        above.set(title=NAMES[arm][0], ylim=(0, 2.2))
        below.set(xlabel="steps", ylim=(0, 50))
    rows[0][0].set_ylabel("colour losses")
    rows[1][0].set_ylabel("CIEDE2000")
    rows[0][0].legend(loc="lower left", fontsize=9)
    return figure


def lead_text(record: Record, arm: str, where: str = "test") -> str:
    """Return by how many percent an arm is above the input in words: "-31 % [-40, -22]"."""
    found = over_input(record, arm, where=where)
    return f"{found.mean:+.0f} % [{found.low:+.0f}, {found.high:+.0f}]".replace("-", "−")
