"""Files that the package needs and does not carry: where they are looked for, verified, and fetched to.

- `data_folder`, `cache_folder`, `locate`: the user's own folder, the cache, and a registered file in either
- `sha256`, `corrupt_file`: what a file is, and what is said where it is another one
- `download`, `read_page`, `replacing`: from a network, whole and verified or not at all
- `DataError`, `CorruptFileError`, `missing_package`: what can go wrong

Photographs (`lossedu.data`) and trained weights (`lossedu.backbones`) stand on this.
"""

from .errors import CorruptFileError, DataError, missing_package
from .folders import Registered, cache_folder, corrupt_file, data_folder, locate, sha256
from .transfer import download, read_page, replacing

__all__ = [
    "CorruptFileError",
    "DataError",
    "Registered",
    "cache_folder",
    "corrupt_file",
    "data_folder",
    "download",
    "locate",
    "missing_package",
    "read_page",
    "replacing",
    "sha256",
]
