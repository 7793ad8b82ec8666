"""The losses of the book: one module per family, one function per loss, one module twin each."""

from .adversarial_color import AdversarialColorLoss, adversarial_color_loss, color_discriminator_loss
from .blurred import BlurredMSELoss, blurred_mse_loss
from .contextual import ContextualLoss, contextual_loss
from .discriminator import ColorDiscriminator
from .displaced import MinShiftLoss, min_shift_loss
from .histogram import HistogramEMDLoss, histogram_emd_loss, soft_histogram
from .mix import MIX_ALPHA, MixLoss, mix_loss
from .multiscale import MSSSIMSigmaLoss, ms_ssim_sigma, ms_ssim_sigma_grad, ms_ssim_sigma_loss
from .penalties import r1_penalty
from .perceptual import PerceptualLoss, vgg_features
from .pixel import CharbonnierLoss, L1Loss, MSELoss, charbonnier_loss, l1_loss, mse_loss
from .pyramid import WANG_2003, MSSSIMLoss, ms_ssim, ms_ssim_loss
from .sliced import SlicedEMDLoss, sliced_emd_loss
from .structural import SSIMLoss, ssim, ssim_grad, ssim_loss, ssim_map
from .total_variation import TVLoss, tv_loss
from .weighted import WeightedLoss

__all__ = [
    "AdversarialColorLoss",
    "BlurredMSELoss",
    "CharbonnierLoss",
    "ColorDiscriminator",
    "ContextualLoss",
    "HistogramEMDLoss",
    "L1Loss",
    "MIX_ALPHA",
    "MSELoss",
    "MSSSIMLoss",
    "MSSSIMSigmaLoss",
    "MinShiftLoss",
    "MixLoss",
    "PerceptualLoss",
    "SSIMLoss",
    "SlicedEMDLoss",
    "TVLoss",
    "WANG_2003",
    "WeightedLoss",
    "adversarial_color_loss",
    "blurred_mse_loss",
    "charbonnier_loss",
    "color_discriminator_loss",
    "contextual_loss",
    "histogram_emd_loss",
    "l1_loss",
    "min_shift_loss",
    "mix_loss",
    "ms_ssim",
    "ms_ssim_loss",
    "ms_ssim_sigma",
    "ms_ssim_sigma_grad",
    "ms_ssim_sigma_loss",
    "mse_loss",
    "r1_penalty",
    "sliced_emd_loss",
    "soft_histogram",
    "ssim",
    "ssim_grad",
    "ssim_loss",
    "ssim_map",
    "tv_loss",
    "vgg_features",
]
