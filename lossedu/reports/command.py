"""``lossedu report DIR…``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_report_command(commands: Any) -> None:
    """Add the command to the subcommands of a parser."""
    report = commands.add_parser(
        "report",
        help="add finished runs to the records, and print and write the verdicts on the claims",
        description="Add the records of finished runs to the results, recompute every verdict from the measurements of "
        "each picture in all records there, print them, and write them to claims.json beside the records.",
    )
    report.add_argument("runs", nargs="*", metavar="DIR", help="folders of finished runs; none: recompute only")
    report.add_argument("--results", metavar="DIR", help="folder of the records (default: that of the package)")
    report.set_defaults(command=_report)


def _report(options: argparse.Namespace) -> int:
    from ..ledger import add, as_text, claims_table, load_all, write_claims
    from ..ledger.shelf import results_folder

    folder = results_folder() if options.results is None else Path(options.results)
    for path in [path for run in options.runs for path in add(run, folder)]:
        print(f"added: {path}")
    rows = claims_table(load_all(folder))
    print(as_text(rows))
    print(f"verdicts: {write_claims(rows, folder / 'claims.json')}")
    return 0
