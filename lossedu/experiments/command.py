"""``lossedu list`` and ``lossedu run EXPERIMENT``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from .catalogue import EXPERIMENTS

#: Exit status of a run that its time limit ended.
UNFINISHED = 3


def add_experiment_commands(commands: Any, stamp: Callable[[str], Mapping[str, Any]]) -> None:
    """Add both to the subcommands of a parser; `stamp` returns what every entry of an experiment is to carry."""
    listing = commands.add_parser(
        "list", help="list experiments, their scales, and the records that came with the package"
    )
    listing.set_defaults(command=_list)
    run = commands.add_parser(
        "run",
        help="run an experiment; started again with the same --out, it goes on",
        description="Run an experiment. It can be stopped at any moment, and started again with the same --out: what "
        "is finished is kept, and what was at work goes on from its last checkpoint.",
    )
    run.add_argument("experiment", choices=EXPERIMENTS)
    run.add_argument("--scale", default="quick", choices=sorted({s for scales in EXPERIMENTS.values() for s in scales}))
    run.add_argument("--out", required=True, metavar="DIR", help="folder that holds the state of this one run")
    run.add_argument("--seeds", type=int, metavar="N", help="how many (default: those of the scale)")
    run.add_argument("--tasks", nargs="+", default=(), metavar="TASK", help="which tasks or modes (default: all)")
    run.add_argument("--losses", nargs="+", default=(), metavar="LOSS", help="which losses or arms (default: all)")
    run.add_argument("--batch", type=int, metavar="N", help="crops a step, if those of the scale need too much memory")
    run.add_argument("--precision", choices=("float32", "bfloat16"), help="what networks compute in (default: scale's)")
    run.add_argument("--compile", action="store_true", help="through torch.compile: faster, needs a C++ compiler")
    run.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:1, mps")
    run.add_argument("--jobs", type=int, default=1, metavar="N", help="processes on this machine, one thread each")
    run.add_argument("--time-limit", type=float, metavar="MINUTES", help="stop cleanly; exit status 3")
    run.add_argument("--scheduler", metavar="ADDRESS", help="a Dask cluster that performs the jobs (extra: cluster)")
    run.set_defaults(command=lambda options: _run(options, stamp(options.experiment)))


def _list(options: argparse.Namespace) -> int:
    from ..records import names

    for experiment, scales in EXPERIMENTS.items():
        print(f"{experiment}: scales {', '.join(scales)}")
    print(f"records: {', '.join(names()) or 'none'}")
    return 0


def _run(options: argparse.Namespace, stamp: Mapping[str, Any]) -> int:
    from .running import run, shown

    record = run(
        options.experiment,
        options.scale,
        out=options.out,
        seeds=options.seeds,
        tasks=options.tasks,
        arms=options.losses,
        batch=options.batch,
        precision=options.precision,
        compiled=options.compile,
        device=options.device,
        workers=options.jobs,
        scheduler=options.scheduler,
        time_limit=options.time_limit,
        stamp=stamp,
    )
    print(shown(record))
    print(f"record: {options.out}/{record.name}.json")
    if record.settings["unfinished"]:
        print("the same command goes on from here")
        return UNFINISHED
    print(f"its verdicts: lossedu report {options.out}")
    return 0
