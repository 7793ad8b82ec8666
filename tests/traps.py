"""How a trap is tested: our function must pass the check, and a plausible naive twin must not."""

from __future__ import annotations

from collections.abc import Callable

import pytest


def only_ours(check: Callable[..., None], ours: object, twin: object) -> None:
    """Run a check on our function, which must pass it, and on the twin, which must not."""
    check(ours)
    with pytest.raises(AssertionError):
        check(twin)


def refuses(error: type[Exception], call: Callable[..., object], *args: object, **options: object) -> bool:
    """Return whether a call raises the error."""
    try:
        call(*args, **options)
    except error:
        return True
    return False
