"""Nothing here may reach beyond this machine: the origin of the photographs is replaced by a server on it."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lossedu.data import check_files, downloads
from lossedu.data.registry import Entry


@pytest.fixture(autouse=True)
def no_outside_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Port 9 answers nobody, so a test that forgets the server below fails at once."""
    monkeypatch.setattr(downloads, "BASE_URL", "http://127.0.0.1:9/")
    monkeypatch.setattr(downloads, "RETRIES", 0)


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, and no data folder."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("LOSSEDU_CACHE", str(folder))
    monkeypatch.delenv("LOSSEDU_DATA", raising=False)
    return folder


@pytest.fixture(scope="session")
def photographs() -> None:
    """Skip where the Berkeley photographs are not at hand."""
    for name in ("bsds500", "cbsd68"):
        for report in check_files(name):
            if report.missing:
                pytest.skip(
                    f"{len(report.missing)} files of {report.name} are in neither $LOSSEDU_DATA nor the cache "
                    f"(lossedu data fetch {name})"
                )


class Origin:
    """A server with its own small collection; `faults` maps a file's name to what goes wrong with it."""

    def __init__(self) -> None:
        self.bodies = {f"{number}.jpg": bytes(range(256)) * (200 + number) for number in range(12)}
        self.faults: dict[str, str] = {}
        self.requests: Counter[str] = Counter()
        self.entries = tuple(
            Entry("train", name, hashlib.sha256(body).hexdigest(), f"photos/train/bsds500/{name}", f"train/{name}")
            for name, body in self.bodies.items()
        )

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Send one file, or what the fault makes of it."""
        name = handler.path.rsplit("/", 1)[-1]
        self.requests[name] += 1
        fault = self.faults.get(name)
        if fault == "once" and self.requests[name] > 1:
            fault = None
        body = self.bodies[name]
        if fault == "absent":
            handler.send_error(404)
            return
        if fault == "other":
            body = body[:-1] + b"!"
        handler.send_response(200)
        if fault != "short":
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if fault in ("dies", "once", "short"):
            # "dies" promises more than it sends; "short" promises nothing, so that only the hash can tell.
            body = body[: len(body) // 2]
        handler.wfile.write(body)


@pytest.fixture
def origin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Origin]:
    """A running `Origin` in the place of the real one."""
    served = Origin()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.answer(self)

        def log_message(self, *args: object) -> None:
            """Keep the test output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setattr(downloads, "BASE_URL", f"http://127.0.0.1:{server.server_port}/")
    yield served
    server.shutdown()
    thread.join()
    server.server_close()
