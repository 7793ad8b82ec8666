"""Differential fuzzing of losses and metrics: random pictures and options, ours against other libraries.

    python tools/fuzz.py --minutes 5 --seed 0

Prints how often each pair agrees and what explains the rest; the table of explanations is tests/fuzzing_duels.py.  The
exit status is 1 where something is left unexplained: either we are wrong, or the table lacks a line.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import torch
from fuzzing import Tally, rounds
from fuzzing_duels import DUELS


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz until the time is over, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (default 1)")
    parser.add_argument("--seed", type=int, default=0, help="of the random samples (default 0)")
    parser.add_argument("--only", default="", metavar="WORD", help="duels whose name holds this word")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    duels = [duel for duel in DUELS if options.only in duel.name]
    if not duels:
        parser.error(f"no duel holds {options.only!r}; there are {', '.join(duel.name for duel in DUELS)}")
    tally, chance = Tally(), random.Random(options.seed)
    end = time.monotonic() + 60 * options.minutes
    try:
        while time.monotonic() < end:
            rounds(duels, tally, chance, 1)
    except KeyboardInterrupt:
        print("stopped")
    print(tally)
    return int(bool(tally.findings))


if __name__ == "__main__":
    raise SystemExit(main())
