"""Weights: found among the registered files and verified, read from a file of one's own, or drawn at random.

Nothing here reaches for a network: VGG-16 as published is a file of 528 MB, and no constructor should
surprise anyone with that.  ``lossedu weights fetch NAME`` does.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..storage import DataError, corrupt_file, sha256
from .layers import Layer
from .registry import ITEMS, WeightFile, command_name, places

#: The seed of random weights where none is named: everybody's are the same.
SEED = 0

#: "random", or "random:7" for those of another seed.
RANDOM = re.compile(r"random(?::(\d{1,9}))?")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a file of named tensors, without running what else may be in it.

    Raises
    ------
    DataError
        If it cannot be read, or holds something else.
    """
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of bytes that are no such file, torch's reader makes an error of nearly any kind
        first = str(error).partition("\n")[0]
        raise DataError(f"cannot read {path} as a file of tensors (read with weights_only=True): {first}") from error
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise DataError(f"{path} must hold a mapping of names to tensors, got {type(found).__name__}")
    return {str(name): value.detach() for name, value in found.items()}


def content_digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of names, shapes and float32 values: the same whatever wrote the file around them."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        values = tensors[name].to(torch.float32).contiguous().numpy().astype("<f4", copy=False)
        digest.update(f"{name} {values.shape}\n".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def matches(file: WeightFile, path: Path) -> bool:
    """Return whether `path` is the registered file."""
    if file.sha256:
        return sha256(path).startswith(file.sha256)
    try:
        return content_digest(read_tensors(path)) == file.content
    except DataError:
        return False


def copies(item: str) -> Iterator[tuple[WeightFile, Path, bool]]:
    """Yield every copy of an item that is here, in the order of preference, and whether it is what it should be."""
    for file in ITEMS[item]:
        for path in places(file):
            if path.is_file():
                yield file, path, matches(file, path)


def find(item: str) -> Path | None:
    """Return the first good copy of an item, or None.

    Raises
    ------
    CorruptFileError
        If $LOSSEDU_DATA holds the file with other bytes: the user's own folder is not passed over.
    """
    for file, path, good in copies(item):
        if good:
            return path
        if file.place == "data":
            advice = "Replace or remove that file; LOSSEDU_DATA is never written to."
            raise corrupt_file(file, path, sha256(path), advice)
    return None


def registered_tensors(item: str) -> dict[str, Tensor]:
    """Return the tensors of an item of `registry.ITEMS`, verified.

    Raises
    ------
    DataError
        If it is nowhere; the message says where it was looked for, and the command that fetches it.
    """
    path = find(item)
    if path is None:
        raise DataError(_nowhere(item))
    return read_tensors(path)


def _nowhere(item: str) -> str:
    lines = []
    for file in ITEMS[item]:
        tried = places(file)
        lines += [f"  {path}{' (damaged)' if path.is_file() else ''}" for path in tried]
        if not tried:
            lines.append(f"  $LOSSEDU_DATA/{file.path} (LOSSEDU_DATA is not set)")
    return (
        f"the trained weights {item!r} are in none of the files that may hold them:\n" + "\n".join(lines) + "\n"
        f"Fetch them once with  lossedu weights fetch {command_name(item)}  (nothing else downloads them)"
    )


def random_tensors(layers: Sequence[Layer], seed: int = SEED) -> dict[str, Tensor]:
    r"""Return random weights, :math:`w \sim N(0, 2 / (k^2 c))` for c input channels (He et al., 2015), biases 0.

    Drawn in order from one generator, so that networks cut at different layers share what they share.
    """
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for layer in layers:
        if layer.kind == "conv":
            shape = (layer.outputs, layer.inputs, layer.kernel, layer.kernel)
            deviation = math.sqrt(2 / (layer.kernel**2 * layer.inputs))
            tensors[f"{layer.number}.weight"] = deviation * torch.randn(shape, generator=generator, dtype=torch.float32)
            tensors[f"{layer.number}.bias"] = torch.zeros(layer.outputs, dtype=torch.float32)
    return tensors


def network_tensors(
    backbone: str, layers: Sequence[Layer], weights: str | os.PathLike[str]
) -> dict[str, tuple[Tensor, Tensor]]:
    """Return the weight and the bias of every convolution among `layers`, by its name, in float32.

    Parameters
    ----------
    backbone : str
        A name of `layers.BACKBONES`.
    layers : sequence of Layer
        Those that are needed.
    weights : "imagenet", "random", "random:SEED" or a path
        A file holds tensors named as torchvision names them, with or without ``features.``; others are ignored.

    Raises
    ------
    ValueError
        If `weights` is neither a known word nor a file, or a tensor is missing or has another shape.
    DataError
        If trained weights are nowhere, or a file cannot be read.
    """
    if isinstance(weights, str) and (drawn := RANDOM.fullmatch(weights)):
        tensors, origin = random_tensors(layers, int(drawn[1] or SEED)), weights
    elif weights == "imagenet":
        tensors, origin = registered_tensors(backbone), "imagenet"
    elif isinstance(weights, (str, os.PathLike)) and Path(weights).is_file():
        tensors, origin = read_tensors(Path(weights)), str(weights)
    else:
        raise ValueError(f"weights must be 'imagenet', 'random', 'random:SEED' or the path of a file, got {weights!r}")
    short = {re.sub(r"^features\.", "", name): value for name, value in tensors.items()}
    pairs = {}
    for layer in layers:
        if layer.kind == "conv":
            shape = (layer.outputs, layer.inputs, layer.kernel, layer.kernel)
            kernel = _checked(short, f"{layer.number}.weight", shape, origin)
            pairs[layer.name] = kernel, _checked(short, f"{layer.number}.bias", shape[:1], origin)
    return pairs


def _checked(tensors: Mapping[str, Tensor], name: str, shape: tuple[int, ...], origin: str) -> Tensor:
    if name not in tensors or tuple(tensors[name].shape) != shape:
        came = f"shape {tuple(tensors[name].shape)}" if name in tensors else "no such tensor"
        raise ValueError(f"weights {origin!r} must hold 'features.{name}' of shape {shape}, got {came}")
    return tensors[name].to(torch.float32, copy=True)


__all__ = [
    "content_digest",
    "copies",
    "find",
    "matches",
    "network_tensors",
    "random_tensors",
    "read_tensors",
    "registered_tensors",
]
