"""Pretrained networks whose layers serve as a measure: VGG-16, VGG-19 and AlexNet.

- `Backbone`: a network cut off behind the last layer that is asked for, frozen, with ImageNet's normalisation inside
- `lasting`: makes tensors that outlive inference mode
- `layer_names`, `layers_up_to`: what its layers are called, and their shapes
- `shared_backbone`, `keep`, `kept`, `forget`: what functions share, made once
- `registered_tensors`: trained weights by name, verified; `fetch` and `copies` are behind ``lossedu weights``
"""

from .fetching import fetch
from .layers import chosen_names, layer_names
from .layers import up_to_last as layers_up_to
from .network import Backbone, lasting
from .registry import NAMES
from .sharing import forget, keep, kept, shared_backbone
from .weights import copies, registered_tensors

__all__ = [
    "NAMES",
    "Backbone",
    "chosen_names",
    "copies",
    "fetch",
    "forget",
    "keep",
    "kept",
    "lasting",
    "layer_names",
    "layers_up_to",
    "registered_tensors",
    "shared_backbone",
]
