"""The laboratory of chapter 3: damage a photograph, and see SSIM, its map and its gradient."""

from __future__ import annotations

from functools import lru_cache

from torch import Tensor

from .. import _validate
from ..data import PHOTOGRAPHS, crop, photograph
from ..losses import mse_loss, ssim, ssim_grad, ssim_map
from ..metrics import psnr
from .bench import Laboratory, View, choice, import_widgets, slider
from .distortions import DISTORTIONS

_SIDE = 128
_LARGEST = 160
_OWN = "your image"
#: Where the crop begins in photographs whose middle shows little; row and column.
_CORNERS = {"astronaut": (40, 150), "camera": (60, 170), "rocket": (180, 270), "retina": (591, 186), "clock": (60, 100)}


def ssim_laboratory(image: Tensor | None = None) -> Laboratory:
    """A live cell: choose a photograph and a distortion, and see what SSIM makes of it.

    Shown are reference and distorted picture, the SSIM of every window, the change that the gradient of the loss asks
    for, and MSE, PSNR and SSIM.

    Parameters
    ----------
    image : Tensor, optional
        A picture of your own, (1, C, H, W) with C = 1 or 3, floating, in [0, 1]; of a large one the middle is used.
        The photographs of scikit-image are always there.

    Returns
    -------
    Laboratory
        Shown by a notebook with a running kernel; ``.controls`` holds the widgets.

    Raises
    ------
    TypeError, ValueError
        If `image` is no such tensor.
    ImportError
        If ipywidgets, matplotlib or scikit-image is missing.
    """
    if image is not None:
        _validate.image("image", image)
        if image.shape[0] != 1 or image.shape[1] not in (1, 3):
            raise ValueError(f"image must have shape (1, 1, H, W) or (1, 3, H, W), got {tuple(image.shape)}")
    import_widgets()

    def compute(photograph: str, distortion: str, strength: float, sigma: float, padding: str) -> View:
        reference = (
            _middle(image.detach().cpu().float()) if photograph == _OWN and image is not None else _cut(photograph)
        )
        return ssim_view(reference, distortion, strength, sigma=sigma, padding=padding)

    names = [*([] if image is None else [_OWN]), *PHOTOGRAPHS]
    controls = {
        "photograph": choice("photograph", {name: name for name in names}),
        "distortion": choice("distortion", {name: name for name in DISTORTIONS}),
        "strength": slider("strength", 0.0, 1.0, 0.25, 0.05),
        "sigma": slider("sigma (px)", 0.5, 9.0, 1.5, 0.5),
        "padding": choice("padding", {name: name for name in ("valid", "reflect")}),
    }
    return Laboratory(controls, compute)


def ssim_view(reference: Tensor, distortion: str, strength: float, *, sigma: float, padding: str) -> View:
    """Return picture and numbers for one distortion of a reference (1, C, H, W)."""
    from ..figures import gradient_field, image_strip, picture, scalar_map

    _validate.option("distortion", distortion, DISTORTIONS)
    kind = DISTORTIONS[distortion]
    amount = kind.amount(strength)
    x, y = kind.apply(reference, amount), reference
    index = ssim_map(x, y, sigma=sigma, padding=padding).mean(dim=1, keepdim=True)
    gradient = ssim_grad(x, y, sigma=sigma, padding=padding)
    panels = [
        picture(y),
        picture(x),
        scalar_map(index, value_range=(0.0, 1.0), label="SSIM of the window"),
        gradient_field(gradient),
    ]
    titles = ["reference", "distorted", "SSIM map", "what the loss asks for"]
    value = float(ssim(x, y, sigma=sigma, padding=padding))
    numbers = f"MSE {float(mse_loss(x, y)):.5f}, PSNR {float(psnr(x, y)):.2f} dB, SSIM {value:.4f}"
    alt = (
        "Four panels: the reference, the distorted picture, a map of the SSIM of every window, and a map of the change "
        f"that lowers the loss fastest. {numbers}."
    )
    what = f"{kind.text.format(amount)}; window of sigma {sigma:g} px, {padding}"
    return View(image_strip(panels, titles, columns=2), alt, (what, numbers))


@lru_cache(maxsize=4)
def _cut(name: str) -> Tensor:
    """Return the part of a photograph that is shown."""
    whole = photograph(name)
    if name in _CORNERS:
        return crop(whole, *_CORNERS[name], _SIDE)
    return _middle(whole, _SIDE)


def _middle(image: Tensor, largest: int = _LARGEST) -> Tensor:
    height, width = (min(side, largest) for side in image.shape[-2:])
    return crop(image, (image.shape[-2] - height) // 2, (image.shape[-1] - width) // 2, (height, width))
