"""The smallest adversarial game: one number against one slope, with and without the penalty R1; a step of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..verdict import Target, Verdict
from .answers import distinct, pair

if TYPE_CHECKING:
    from matplotlib.figure import Figure

State = tuple[float, float]

#: Place of the generator, slope of the critic, step size, strength of the penalty.
STEPS = ((1.0, 0.5, 0.1, 0.0), (0.8, -0.5, 0.2, 0.3), (-1.0, 2.0, 0.5, 1.0), (0.4, 1.2, 0.3, 0.2))


def sigmoid(z: float) -> float:
    """Return 1 / (1 + exp(-z)) without overflow."""
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


def simultaneous(theta: float, psi: float, step: float, gamma: float) -> State:
    """Return both after one step of gradient descent, each with the gradient taken before it."""
    pull = -psi * sigmoid(-psi * theta)
    turn = theta * sigmoid(psi * theta) + gamma * psi
    return theta - step * pull, psi - step * turn


_STEP = "fn(theta, psi, step, gamma)"


def dirac_step(fn: Callable[[float, float, float, float], Any]) -> Verdict:
    """Check ``fn(theta, psi, step, gamma)``: one simultaneous step of the game, with the penalty R1.

    Parameters
    ----------
    fn : callable
        Takes the generator's place, the critic's slope, the step size and the strength of the penalty, all float;
        returns the new place and the new slope.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _STEP)
    with Examination("dirac_step", _STEP) as exam:
        for state in STEPS:
            theta, psi, step, gamma = state
            title = f"theta {theta:g}, psi {psi:g}, step {step:g}, gamma {gamma:g}"
            place, slope = pair(exam, exam.call(fn, *state), ("theta", "psi"))
            right = simultaneous(*state)
            exam.value(f"{title}: theta", place, right[0], rtol=1e-5, atol=1e-7, mistakes=distinct(_places(*state)))
            exam.value(f"{title}: psi", slope, right[1], rtol=1e-5, atol=1e-7, mistakes=distinct(_turns(*state)))
        if all(item.ok for item in exam.properties):  # the picture answers what is to be predicted
            exam.target = _paths()
    return exam.verdict()


def _places(theta: float, psi: float, step: float, gamma: float) -> list[Mistake]:
    _, new = simultaneous(theta, psi, step, gamma)
    near = sigmoid(-psi * theta)
    return [
        (
            "uphill: theta - step * derivative, and the derivative of softplus(-psi theta) is negative for psi > 0",
            theta - step * psi * near,
        ),
        ("this is the form that saturates", theta + step * psi * sigmoid(psi * theta)),
        (
            "in turns: the critic's *new* slope is taken, and simultaneous steps use the old one",
            theta + step * new * sigmoid(-new * theta),
        ),
        ("the slope of the loss at the origin, 1/2, is taken everywhere", theta + step * psi / 2),
        ("the step size is missing", theta + psi * near),
        ("theta and psi are changed round", new),
    ]


def _turns(theta: float, psi: float, step: float, gamma: float) -> list[Mistake]:
    new, _ = simultaneous(theta, psi, step, gamma)
    pull = theta * sigmoid(psi * theta)
    return [
        ("the penalty is missing", psi - step * pull),
        (
            "the penalty is gamma/2 psi², so its derivative is gamma psi: there is a factor 2 too many",
            psi - step * (pull + 2 * gamma * psi),
        ),
        (
            "the penalty is gamma/2 psi², so its derivative is gamma psi: a factor 2 is missing",
            psi - step * (pull + gamma * psi / 2),
        ),
        (
            "the derivative of the penalty gamma/2 psi² is gamma psi: this subtracts the penalty itself",
            psi - step * (pull + gamma * psi * psi / 2),
        ),
        ("the penalty pushes psi away from 0: its sign", psi - step * (pull - gamma * psi)),
        (
            "uphill: the critic makes softplus(psi theta) small, so that psi falls where theta > 0",
            psi + step * (pull - gamma * psi),
        ),
        ("uphill: the critic makes softplus(psi theta) small, and the penalty too", psi + step * (pull + gamma * psi)),
        (
            "in turns: the generator's *new* place is taken, and simultaneous steps use the old one",
            psi - step * (new * sigmoid(psi * new) + gamma * psi),
        ),
        ("the slope of the loss at the origin, 1/2, is taken everywhere", psi - step * (theta / 2 + gamma * psi)),
        ("the critic takes theta for real: real is 0", psi - step * (-theta * sigmoid(-psi * theta) + gamma * psi)),
        ("the penalty is not scaled by the step size", psi - step * pull - gamma * psi),
    ]


def walk(step: float, gamma: float, count: int = 120, start: State = (2.0, 0.0)) -> Sequence[State]:
    """Return the states of the game from `start`."""
    states = [start]
    for _ in range(count):
        states.append(simultaneous(*states[-1], step, gamma))
    return states


def _paths() -> Target:
    def draw() -> Figure:
        from ...figures import chart

        figure, panels = chart(2, height=330, sharey=True)
        for axes, gamma in zip(panels, (0.0, 0.3), strict=True):
            for start in ((2.0, 0.0), (0.2, 0.0)):
                axes.plot(*zip(*walk(0.5, gamma, start=start), strict=True), linewidth=0.8)
                axes.plot(*start, "o", color="0.3", markersize=4)
            axes.plot(0, 0, "+", color="0.5")
            axes.set_title(f"γ = {gamma:g}")
            axes.set_xlabel("θ, place of the generator")
            axes.set_aspect("equal", adjustable="datalim")
        panels[0].set_ylabel("ψ, slope of the critic")
        return figure

    alt = (
        "Paths from (2, 0) and from (0.2, 0). Without the penalty the first winds in and the second out, to one ring; "
        "with the penalty both wind in to the origin."
    )
    return Target(draw, alt, "120 right steps of size 0.5 from two places (dots), without and with the penalty.")
