"""Figures that the reader can move, and that need neither a kernel nor a network.

An explorable renders to one block of HTML with its own style and script.  Stored as the output of a notebook cell it
works in the built page, in a page opened from disk, in JupyterLab and on Colab; Python draws its first state, so it
also shows in print and where scripts do not run.

    BlindTest          twenty choices between two pictures: the reader as observer
    CriticExplorer     what a blur leaves of a difference, and which judges still tell, computed in the page
    EMDExplorer        what a histogram loss notices of a picture, and who is pulled, computed in the page
    FrameSlider        a slider over pictures drawn beforehand
    MixExplorer        the weight of MS-SSIM in Mix, and whose pull it is, computed in the page
    PerceptualExplorer pictures that all cost the same at a layer of VGG-16, found and changed
    PixelLossExplorer  a pixel that may be dark or bright: what l2, l1 and Huber choose
    ScalesExplorer     five windows over an edge and over a blotch, computed in the page
    SSIMExplorer       what SSIM charges for grain and for splotches of the same MSE, computed in the page
    TVExplorer         total variation and its square on a signal, computed in the page
"""

from . import observer_scene
from .base import Explorable
from .blind_test import BlindTest
from .critic_explorer import CriticExplorer
from .emd_explorer import EMDExplorer
from .frames import FrameSlider
from .mix_explorer import MixExplorer
from .page import standalone_page
from .perceptual_explorer import PerceptualExplorer
from .pixel_explorer import PixelLossExplorer
from .scales_explorer import ScalesExplorer
from .ssim_explorer import SSIMExplorer
from .ssim_scene import camera_crop, disturbance, flat_price
from .tv_explorer import TVExplorer

__all__ = [
    "BlindTest",
    "CriticExplorer",
    "EMDExplorer",
    "Explorable",
    "FrameSlider",
    "MixExplorer",
    "PerceptualExplorer",
    "PixelLossExplorer",
    "SSIMExplorer",
    "ScalesExplorer",
    "TVExplorer",
    "camera_crop",
    "disturbance",
    "flat_price",
    "observer_scene",
    "standalone_page",
]
