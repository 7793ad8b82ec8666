"""Photographs and what may befall them.

- `photograph`, `PHOTOGRAPHS`, `crop`: pictures that come with scikit-image, without any download
- `bsds500`, `cbsd68`, `fetch`, `check_files`: the Berkeley photographs, verified by SHA-256
- `image_folder`, `read_image`, `load_images`: your own files
- `paired_folders`, `fivek_pairs`, `load_pair`: folders of inputs and targets, and exports of MIT-Adobe FiveK
- `PatchSampler`, `downsample2`, `derive_seed`: reproducible batches for training
- `photo_sets`, `PackSampler`, `PhotoSet`, `Pack`, `write_pack`, `read_pack`: the pictures of a study in one file
- `bayer_mosaic`, `demosaick_bilinear`, `sensor_noise`, `noisy_bayer`: a camera's sensor
- `jpeg`, `down_up`, `darken`, `srgb_decode`, `srgb_encode`, `shift_brightness`, `scale_contrast`: other damage
- `panorama`, `read_panorama`, `view`, `grade`: pairs of a high and a standard dynamic range
- `pq_encode`, `pq_decode`, `bt709_to_bt2020`, `bt2020_to_bt709`: the codes of displays with a high dynamic range
- `band_noise`, `correlated_noise`: noise with a chosen scale
"""

from __future__ import annotations

from ..storage import CorruptFileError, DataError
from .codes import bt709_to_bt2020, bt2020_to_bt709, pq_decode, pq_encode
from .cropping import PackSampler
from .degradations import down_up, jpeg
from .downloads import bsds500, cbsd68, fetch
from .embedded import PHOTOGRAPHS, Credit, crop, photograph
from .files import image_folder, load_images, read_image
from .packs import Pack, read_pack, write_pack
from .pairs import fivek_pairs, load_pair, paired_folders
from .panoramas import PANORAMAS, grade, panorama, read_panorama, view
from .pantry import photo_sets
from .pictures import PhotoSet
from .randomness import derive_seed
from .sampling import PatchSampler, downsample2
from .sensor import BAYER_PATTERNS, bayer_mosaic, demosaick_bilinear, noisy_bayer, sensor_noise
from .spectra import band_noise, correlated_noise
from .tones import darken, scale_contrast, shift_brightness, srgb_decode, srgb_encode
from .verification import GroupReport, check_files

__all__ = [
    "BAYER_PATTERNS",
    "PANORAMAS",
    "PHOTOGRAPHS",
    "CorruptFileError",
    "Credit",
    "DataError",
    "GroupReport",
    "Pack",
    "PackSampler",
    "PatchSampler",
    "PhotoSet",
    "band_noise",
    "bayer_mosaic",
    "bsds500",
    "bt2020_to_bt709",
    "bt709_to_bt2020",
    "cbsd68",
    "check_files",
    "correlated_noise",
    "crop",
    "darken",
    "demosaick_bilinear",
    "derive_seed",
    "down_up",
    "downsample2",
    "fetch",
    "fivek_pairs",
    "grade",
    "image_folder",
    "jpeg",
    "load_images",
    "load_pair",
    "noisy_bayer",
    "paired_folders",
    "panorama",
    "photo_sets",
    "photograph",
    "pq_decode",
    "pq_encode",
    "read_image",
    "read_pack",
    "read_panorama",
    "scale_contrast",
    "sensor_noise",
    "shift_brightness",
    "srgb_decode",
    "srgb_encode",
    "view",
    "write_pack",
]
