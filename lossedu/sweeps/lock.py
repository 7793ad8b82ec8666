"""One process at a time works in the folder of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder, or raise `ValueError` if another process does; a process that dies lets go of it.

    Two processes at one job would write the same checkpoints in turn.
    """
    try:
        import fcntl
    except ImportError:  # Windows has other locks; there it is up to the user
        yield
        return
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"out={folder} is at work in another process; wait for it or choose another folder"
            ) from None
        except OSError:  # some network disks have no locks
            pass
        yield
