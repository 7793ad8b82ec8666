"""How long a job has been worked at, over all the times it was taken up again."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import TracebackType

from .disk import read_json, write_json

#: Seconds between two notes: what a killed process may lose of its own time.
EVERY = 15.0


def seconds_so_far(folder: Path) -> float:
    """Return the seconds of all sittings at a job."""
    path = folder / "sittings.json"
    return sum(read_json(path)["seconds"]) if path.exists() else 0.0


class Sitting:
    """A context that keeps note of its own length in ``sittings.json``, beside those of earlier sittings.

    It writes now and then, so that a process that is killed loses seconds, and not hours, of what it has spent.

    Attributes
    ----------
    resumed : bool
        Whether it was not the first.
    """

    def __init__(self, folder: Path, every: float = EVERY) -> None:
        self._path, self._every = folder / "sittings.json", every
        self.resumed = self._path.exists()
        self._earlier: list[float] = read_json(self._path)["seconds"] if self.resumed else []
        self._over = threading.Event()
        self._notes = threading.Thread(target=self._take_notes, daemon=True)

    def __enter__(self) -> Sitting:
        self._began = time.perf_counter()
        self._note()
        self._notes.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._notes.join()
        self._note()

    @property
    def earlier(self) -> float:
        """Seconds of the sittings before this one."""
        return sum(self._earlier)

    @property
    def total(self) -> float:
        """Seconds of all sittings, this one included."""
        return self.earlier + time.perf_counter() - self._began

    def _take_notes(self) -> None:
        while not self._over.wait(self._every):
            self._note()

    def _note(self) -> None:
        write_json(self._path, {"seconds": [*self._earlier, round(time.perf_counter() - self._began, 1)]})
