"""``lossedu audit package.module:Loss``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

from .battery import audit


class TargetError(Exception):
    """The target cannot be had; the message says why and is meant to be read."""


def add_audit_command(commands: Any) -> None:
    """Add ``audit`` to the parsers of a command line."""
    parser = commands.add_parser(
        "audit",
        help="examine a loss: what is wrong with it, what shows it, what to do",
        description="Examine a loss of yours or of a library. Exit status: 0 without errors, 1 with errors, 2 if the "
        "target cannot be imported.",
    )
    parser.add_argument(
        "target",
        metavar="MODULE:NAME",
        help="function, instance, or class that needs no arguments, as in my_package.losses:EdgeLoss; the current "
        "folder can be imported from",
    )
    parser.add_argument("--html", metavar="FILE", help="also write the report as a page")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Audit the target, print the report, and return the exit status."""
    try:
        loss = target(options.target)
    except TargetError as error:
        print(f"lossedu audit: {error}", file=sys.stderr)
        return 2
    report = audit(loss)
    print(report)
    if options.html:
        print(f"page: {report.save(options.html)}")
    return 0 if report.ok else 1


def target(text: str) -> Callable[..., Any]:
    """Return the loss that ``module:name`` means; a class is instantiated without arguments."""
    module_name, colon, path = text.partition(":")
    if not (colon and module_name and path):
        raise TargetError(f"target must be MODULE:NAME, as in my_losses:EdgeLoss, got {text!r}")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise TargetError(f"cannot import {module_name}: {type(error).__name__}: {error}") from error
    for name in path.split("."):
        if not hasattr(found, name):
            raise TargetError(f"{module_name} has no {path}")
        found = getattr(found, name)
    if isinstance(found, type):
        try:
            found = found()
        except Exception as error:
            raise TargetError(f"{path}() cannot be made without arguments: {type(error).__name__}: {error}") from error
    if not callable(found):
        raise TargetError(f"{path} is a {type(found).__name__}, not something that can be called")
    loss: Callable[..., Any] = found
    return loss
