"""From a name to a model: architectures, trained weights, files, other people's libraries.

    [SOURCE:]NAME[@REVISION]

===========================  =====================================================================
``late``, ``parsenet``       names that an installed package offers (entry point ``erf.models``)
``resnet50``                 torchvision, also ``torchvision:resnet50``
``timm:NAME``                timm; a tag (``timm:resnet18.a1_in1k``) means trained
``hf-hub:ORG/NAME``          timm's models on the Hugging Face hub; ``local-dir:PATH`` in a folder
``hf:FOLDER or ORG/NAME``    transformers
``smp:Unet/resnet34``        segmentation-models-pytorch
``package.module:factory``   a function of an importable module, or ``file.py:factory`` of a file
``net.pt2``, ``net.onnx``    an exported program, an ONNX model
===========================  =====================================================================
"""

from erf.sources.choice import Choice, LayerChoice
from erf.sources.given import read_inputs
from erf.sources.input_space import IMAGENET, InputSpace
from erf.sources.load import complete_layers, load_model, model_names
from erf.sources.loaded import LoadedModel
from erf.sources.offers import Init
from erf.sources.source import read_arguments

__all__ = [
    "IMAGENET",
    "Choice",
    "Init",
    "InputSpace",
    "LayerChoice",
    "LoadedModel",
    "complete_layers",
    "load_model",
    "model_names",
    "read_arguments",
    "read_inputs",
]
