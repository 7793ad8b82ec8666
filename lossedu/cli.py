"""The command ``lossedu``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from .auditing.command import add_audit_command
from .backbones.command import add_weights_command
from .data.command import add_pack_command
from .experiments.command import add_experiment_commands
from .reports.command import add_report_command

#: Names the commands accept; tests keep them in step with the modules, which are not imported for --help.
_FETCHABLE = ("bsds500", "cbsd68")
_CHECKABLE = (*_FETCHABLE, "pack")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status.

    0 is success, 1 a fault that was reported, 3 a run that its time limit ended, 130 Ctrl-C.
    """
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
    add_experiment_commands(commands, _rules)
    add_report_command(commands)
    _add_data(commands)
    add_weights_command(commands)
    add_audit_command(commands)
    _add_selftest(commands)
    return parser


def _rules(experiment: str) -> dict[str, str]:
    """Return what every entry of a run is stamped with: by which rules its verdict was going to be found."""
    from .ledger import rules_hash

    return {"rules": rules_hash(experiment)}


def _add_data(commands: Any) -> None:
    """Add ``lossedu data fetch|check|pack NAME``."""
    data = commands.add_parser(
        "data",
        help="fetch, check and pack photographs",
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
    add_pack_command(actions)


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
