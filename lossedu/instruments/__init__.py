"""Three questions to any loss: what does it charge, what does it choose, how does it pull?  And what features see."""

from .charge import Price, price
from .choice import bayes_act
from .features import ReceptiveField, active_fractions, receptive_field
from .inversion import Inversion, invert
from .pull import gradient_share

__all__ = [
    "Inversion",
    "Price",
    "ReceptiveField",
    "active_fractions",
    "bayes_act",
    "gradient_share",
    "invert",
    "price",
    "receptive_field",
]
