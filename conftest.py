"""What holds for every test, the examples in docstrings included: one thread, no network."""

from __future__ import annotations

import os
import socket

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is imported, so before anything else

import pytest

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@pytest.fixture(autouse=True, scope="session")
def _names(doctest_namespace: dict[str, object]) -> None:
    """Examples in docstrings use the book's idiom without repeating the imports."""
    import torch

    import lossedu

    doctest_namespace.update(torch=torch, le=lossedu)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family != getattr(socket, "AF_UNIX", None) and address[0] not in LOOPBACK:
            raise AssertionError(f"a test tried to reach {address}: tests use no network")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
