"""Differential fuzzing: any picture, any option, ours against another library, and a slow formula as the judge.

A *duel* is one of our functions beside the same thing elsewhere.  Where the two differ by more than rounding, an
*explanation* must be at hand: its condition has to hold for this very sample, and the judge, a naive transcription in
float64, has to agree with us.  Anything else is a finding.
"""

from __future__ import annotations

import math
import random
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import processor  # noqa: F401  (before torch computes anything)
import torch
from pictures import noisy, photo
from torch import Tensor

DTYPES = (torch.float64, torch.float64, torch.float32, torch.float32, torch.bfloat16, torch.float16)
RANGES = (1.0, 1.0, 1.0, 255.0, 0.5, 2.0)
#: What rounding alone may do to an index near 1 or a loss near 1, by the precision that both sides compute in.
ROUNDING = {torch.float64: 1e-9, torch.float32: 2e-5, torch.bfloat16: 2e-5, torch.float16: 2e-5}


@dataclass(frozen=True)
class Sample:
    """Two images and the options to compare them with."""

    x: Tensor
    y: Tensor
    data_range: float
    kind: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def half(self) -> bool:
        return self.x.dtype in (torch.bfloat16, torch.float16)

    @property
    def side(self) -> int:
        return min(self.x.shape[-2:])

    @property
    def peak(self) -> float:
        """The largest magnitude, in units of the range."""
        return max(self.x.double().abs().max().item(), self.y.double().abs().max().item()) / self.data_range

    @property
    def equal(self) -> bool:
        return torch.equal(self.x, self.y)

    def __str__(self) -> str:
        dtype = str(self.x.dtype).removeprefix("torch.")
        return f"{self.kind} {tuple(self.x.shape)} {dtype} range {self.data_range:g} {self.options}"


@dataclass(frozen=True)
class Explanation:
    """Why a peer may differ: `right` is "ours" where it is a fault, "both" where it is another definition."""

    right: str
    why: str
    holds: Callable[[Sample, float, float], bool]  # sample, their value, the judge's value of our definition


@dataclass(frozen=True)
class Duel:
    """One of our functions, a peer, the judge, and the options that make them mean the same.

    `bout` says how many samples the tests draw; those of the tool are as many as there is time for.
    """

    name: str
    ours: Callable[[Sample], Tensor]
    theirs: Callable[[Sample], Any]
    judge: Callable[[Sample], float]
    options: Callable[[random.Random], dict[str, Any]] = lambda chance: {}
    smallest: Callable[[Sample], int] = lambda sample: 1
    largest: int = 40
    explanations: tuple[Explanation, ...] = ()
    tolerance: Callable[[Sample], float] = lambda sample: ROUNDING[sample.x.dtype]
    batches: bool = True
    bout: int = 40


@dataclass
class Tally:
    """What came out: how often both agree, what explained the rest, and what nothing explains."""

    agreed: Counter[str] = field(default_factory=Counter)
    explained: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{'agree':>7}  {'differ':>7}  duel"]
        for name in sorted({*self.agreed, *(key[0] for key in self.explained)}):
            differing = sum(count for key, count in self.explained.items() if key[0] == name)
            lines.append(f"{self.agreed[name]:7d}  {differing:7d}  {name}")
            for (duel, right, why), count in sorted(self.explained.items()):
                if duel == name:
                    lines.append(f"{'':7}  {count:7d}    right: {right}; {why}")
        lines += [f"UNEXPLAINED  {text}" for text in self.findings]
        return "\n".join(lines)


def _alter(kind: str, y: Tensor, chance: random.Random) -> tuple[Tensor, Tensor]:
    """Return a pair from a clean picture in [0, 1]."""
    n, c, h, w = y.shape
    level = chance.choice([0.0, 0.02, 0.5, 0.9, 1.0])
    if kind in ("noise", "faint noise"):
        return noisy(y, chance.choice([0.3, 0.05] if kind == "noise" else [1e-3, 1e-4]), chance.randrange(10**6)), y
    if kind == "one pixel":
        x = y.clone()
        x[chance.randrange(n), chance.randrange(c), chance.randrange(h), chance.randrange(w)] = level
        return x, y
    if kind == "half flat":
        x, y = noisy(y, 0.1, chance.randrange(10**6)), y.clone()
        x[..., : w // 2], y[..., : w // 2] = level, level
        return x, y
    if kind == "two constants":
        return torch.full_like(y, level), torch.full_like(y, chance.choice([level, level + 1e-3, 0.4]))
    if kind == "random":
        generator = torch.Generator().manual_seed(chance.randrange(10**6))
        return torch.rand(y.shape, generator=generator).double(), torch.rand(y.shape, generator=generator).double()
    if kind == "checkerboard":
        board = ((torch.arange(h)[:, None] + torch.arange(w)) % 2).double().expand(y.shape)
        return 1 - board, board.clone()
    return {
        "equal": lambda: (y.clone(), y),
        "inverted": lambda: (1 - y, y),
        "black and white": lambda: (torch.zeros_like(y), torch.ones_like(y)),
        "shifted": lambda: (y + chance.choice([0.1, -0.3, 1e-3]), y),
        "moved": lambda: (y.roll(1, dims=-1), y),
        "out of range": lambda: (1.6 * noisy(y, 0.1) - 0.3, y),
        "faint": lambda: (0.9 + 1e-3 * noisy(y, 0.1), 0.9 + 1e-3 * y),
    }[kind]()


KINDS = "noise|faint noise|one pixel|half flat|two constants|random|checkerboard|equal|inverted|black and white"
KINDS += "|shifted|moved|out of range|faint"


def draw(duel: Duel, chance: random.Random) -> Sample:
    """Return a random sample that both sides of a duel should be able to work with, and now and then a little less."""
    options = duel.options(chance)
    dtype, width, kind = chance.choice(DTYPES), chance.choice(RANGES), chance.choice(KINDS.split("|"))
    n, c = chance.choice([1, 1, 2, 3]) if duel.batches else 1, chance.choice([1, 3, 3, 2, 5])
    empty = torch.empty(1, 1, 1, 1)
    least = duel.smallest(Sample(empty, empty, width, kind, options))
    h, w = (chance.randint(least, max(duel.largest, least + 6)) for _ in range(2))
    if chance.random() < 0.5:  # pyramids halve whole squares
        h, w = (4 * math.ceil(side / 4) for side in (h, w))
    name, top, left = chance.choice([("chelsea", 110, 150), ("coffee", 150, 230), ("astronaut", 60, 200)])
    planes = photo(name, (h, w), top=top + chance.randrange(20), left=left + chance.randrange(20))
    pool = torch.cat([planes, planes.flip(-1), planes.flip(-2)], dim=1)[0]
    y = torch.stack([pool.roll(-3 * i, dims=0)[:c] for i in range(n)])
    x, y = _alter(kind, y, chance)
    return Sample((width * x).to(dtype), (width * y).to(dtype), width, kind, options)


def _number(value: Any) -> float:
    return float(value.double().mean()) if isinstance(value, Tensor) else float(value)


def close(one: float, other: float, tolerance: float) -> bool:
    """Whether two values are the same but for rounding; infinities of one sign are."""
    return one == other or abs(one - other) <= tolerance * max(1.0, abs(one), abs(other))


def fight(duel: Duel, sample: Sample, tally: Tally) -> None:
    """Compare both sides on one sample, and enter the outcome."""
    try:
        ours = _number(duel.ours(sample))
    except ValueError:  # refused: then there is no truth either
        ours = math.nan
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = _number(duel.theirs(sample))
    except Exception:  # whatever it is, they do not return a number where we do
        theirs = math.nan
    tolerance = duel.tolerance(sample)
    if close(ours, theirs, tolerance) or (math.isnan(ours) and math.isnan(theirs)):
        tally.agreed[duel.name] += 1
        return
    truth = math.nan if math.isnan(ours) else duel.judge(sample)
    if not close(ours, truth, tolerance) and not math.isnan(truth):
        tally.findings.append(f"{duel.name}: ours {ours!r}, theirs {theirs!r}, truth {truth!r}: {sample}")
        return
    for explanation in duel.explanations:
        if explanation.holds(sample, theirs, truth):
            tally.explained[duel.name, explanation.right, explanation.why] += 1
            return
    tally.findings.append(f"{duel.name}: theirs {theirs!r} against {truth!r}, and nothing explains it: {sample}")


def rounds(duels: list[Duel], tally: Tally, chance: random.Random, count: int) -> Tally:
    """Let every duel have `count` samples."""
    for _ in range(count):
        for duel in duels:
            fight(duel, draw(duel, chance), tally)
    return tally
