"""The command ``lossedu``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from .auditing.command import add_audit_command
from .backbones.command import add_weights_command

#: Names the commands accept; tests keep them in step with the modules, which are not imported for --help.
_FETCHABLE = ("bsds500", "cbsd68")
_CHECKABLE = (*_FETCHABLE, "pack")
_EXPERIMENTS = {"sigma_sensitivity": ("smoke", "quick", "cpu", "cpu_fast")}
_LOSSES = ("ssim_1", "ssim_3", "ssim_9", "l1", "l2")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0 for success, 1 for a fault that was reported, 130 for Ctrl-C."""
    options = build_parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except KeyboardInterrupt:
        print("\nstopped; finished files are kept", file=sys.stderr)
        return 130
    except (OSError, ImportError, ValueError) as error:
        # Every fault of a file, of the network or of an option is one of these, and its message is meant to be read.
        print(f"lossedu: {error}", file=sys.stderr)
        return 1


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with all commands."""
    parser = argparse.ArgumentParser(
        prog="lossedu", description="Companion of the book 'Loss Functions for Image Enhancement'."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_experiments(commands)
    _add_data(commands)
    add_weights_command(commands)
    add_audit_command(commands)
    _add_selftest(commands)
    return parser


def _add_experiments(commands: Any) -> None:
    """Add ``lossedu list`` and ``lossedu run EXPERIMENT``."""
    listing = commands.add_parser(
        "list", help="list experiments, their scales, and the records that came with the package"
    )
    listing.set_defaults(command=_list)
    run = commands.add_parser("run", help="run an experiment; started again with the same --out, it goes on")
    run.add_argument("experiment", choices=_EXPERIMENTS)
    run.add_argument(
        "--scale", default="quick", choices=sorted({s for scales in _EXPERIMENTS.values() for s in scales})
    )
    run.add_argument("--seeds", type=int, default=3, help="how many (default 3)")
    run.add_argument("--losses", nargs="+", default=_LOSSES, choices=_LOSSES, help="which (default all)")
    run.add_argument("--out", required=True, metavar="DIR", help="folder that holds the state of this one run")
    run.set_defaults(command=_run)


def _list(options: argparse.Namespace) -> int:
    from .records import names

    for experiment, scales in _EXPERIMENTS.items():
        print(f"{experiment}: scales {', '.join(scales)}")
    print(f"records: {', '.join(names()) or 'none'}")
    return 0


def _run(options: argparse.Namespace) -> int:
    import importlib

    experiment = importlib.import_module(f".experiments.{options.experiment}", __package__)
    record = experiment.run(options.scale, seeds=options.seeds, losses=options.losses, out=options.out)
    print(f"record: {record.save(options.out)}")
    return 0


def _add_data(commands: Any) -> None:
    """Add ``lossedu data fetch|check NAME``."""
    data = commands.add_parser(
        "data",
        help="fetch and check photographs",
        description="Photographs are looked for in $LOSSEDU_DATA, then in the cache "
        "($LOSSEDU_CACHE, or the system's), then fetched.",
    )
    actions = data.add_subparsers(required=True, metavar="ACTION")
    fetch = actions.add_parser("fetch", help="download what is in neither folder, and verify it")
    fetch.add_argument("name", choices=_FETCHABLE, help="collection")
    fetch.set_defaults(command=_data_fetch)
    check = actions.add_parser(
        "check", help="verify the SHA-256 of every file; exit status 1 if one is missing or corrupt"
    )
    check.add_argument(
        "name", choices=_CHECKABLE, help="collection, or 'pack' for all that $LOSSEDU_DATA/SHA256SUMS lists"
    )
    check.set_defaults(command=_data_check)


def _data_fetch(options: argparse.Namespace) -> int:
    from .data import fetch

    paths = fetch(options.name)
    folders = sorted({str(path.parent) for path in paths})
    print(f"{options.name}: {len(paths)} files, all verified, in\n  " + "\n  ".join(folders))
    return 0


def _data_check(options: argparse.Namespace) -> int:
    from .data import check_files
    from .storage import cache_folder, data_folder

    reports = check_files(options.name)
    print(f"LOSSEDU_DATA  {data_folder() or 'not set'}")
    if options.name != "pack":
        print(f"cache         {cache_folder()}")
    width = max(12, *(len(report.name) for report in reports))
    print(f"\n{'':{width}}  {'in data':>8}  {'in cache':>8}  {'missing':>8}  {'corrupt':>8}")
    for report in reports:
        numbers = (report.in_data, report.in_cache, len(report.missing), len(report.corrupt))
        print(f"{report.name:{width}}  " + "  ".join(f"{number:8d}" for number in numbers))
    for report in reports:
        for line in report.corrupt:
            print(f"corrupt: {line}")
        if report.missing:
            more = f" and {len(report.missing) - 3} more" if len(report.missing) > 3 else ""
            print(f"missing: {', '.join(report.missing[:3])}{more}")
    if all(report.ok for report in reports):
        print("all files are there and are the registered ones")
        return 0
    if options.name in _FETCHABLE and any(report.missing for report in reports):
        print(f"fetch what is missing with  lossedu data fetch {options.name}")
    return 1


def _add_selftest(commands: Any) -> None:
    """Add ``lossedu selftest``."""
    selftest = commands.add_parser(
        "selftest", help="recompute golden values and gradients on a device; exit status 1 if one is off"
    )
    selftest.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:1, mps")
    selftest.add_argument("--dtype", choices=("float64", "float32"), help="default float64, where the device has it")
    selftest.set_defaults(command=_selftest)


def _selftest(options: argparse.Namespace) -> int:
    import torch

    from .selftest import outcomes

    found = []
    for outcome in outcomes(options.device, getattr(torch, options.dtype) if options.dtype else None):
        print(outcome, flush=True)
        found.append(outcome.ok)
    print(f"{sum(found)} of {len(found)} are right" + ("" if all(found) else f"; {len(found) - sum(found)} are off"))
    return 0 if all(found) else 1
