"""Three questions to any loss: what does it charge, what does it choose, how does it pull?"""

from .charge import Price, price
from .choice import bayes_act
from .pull import gradient_share

__all__ = ["Price", "bayes_act", "gradient_share", "price"]
