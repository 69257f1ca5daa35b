"""ParseNet, FCN and VGG-16: models, weights in and out, scenes and a trainer."""

from parsenet.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from parsenet.errors import (
    CheckpointError,
    ModelError,
    ParseNetError,
    SceneError,
    TrainingError,
    WeightsError,
)
from parsenet.fcn import FCN8s, FCN16s, FCN32s
from parsenet.input_space import InputSpace
from parsenet.l2norm import L2Norm
from parsenet.net import ParseNet
from parsenet.scores import Scores
from parsenet.shipment import SHIPPED, shipped
from parsenet.training import Progress, Recipe, train
from parsenet.variants import VARIANTS, build
from parsenet.vgg16 import VGG16

__all__ = [
    "SHIPPED",
    "VARIANTS",
    "VGG16",
    "Checkpoint",
    "CheckpointError",
    "FCN8s",
    "FCN16s",
    "FCN32s",
    "InputSpace",
    "L2Norm",
    "ModelError",
    "ParseNet",
    "ParseNetError",
    "Progress",
    "Recipe",
    "SceneError",
    "Scores",
    "TrainingError",
    "WeightsError",
    "build",
    "load_checkpoint",
    "save_checkpoint",
    "shipped",
    "train",
]
