"""ParseNet, FCN and VGG-16: models, weights in and out, scenes and a trainer."""

from parsenet.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from parsenet.datasets import DATASETS, open_dataset, register_dataset
from parsenet.errors import (
    CheckpointError,
    DatasetError,
    ModelError,
    ParseNetError,
    SceneError,
    TrainingError,
    WeightsError,
)
from parsenet.evaluation import evaluate
from parsenet.fcn import FCN8s, FCN16s, FCN32s
from parsenet.input_space import InputSpace
from parsenet.l2norm import L2Norm
from parsenet.net import ParseNet
from parsenet.norms import feature_norms
from parsenet.plugins import PluginWarning
from parsenet.prediction import call_pixels, predict
from parsenet.pretrained import convert, load_weights, transplant
from parsenet.scores import Scores
from parsenet.shipment import SHIPPED, shipped
from parsenet.training import (
    RECIPES,
    Experiment,
    Processes,
    Progress,
    Recipe,
    RunSettings,
    Scoring,
    Trained,
    joined,
    named_recipe,
    prepare,
    read_curves,
    register_recipe,
    train,
    train_into,
    training_steps,
    usual_experiment,
    usual_scoring,
)
from parsenet.variants import VARIANTS, build, register_variant
from parsenet.vgg16 import VGG16

__all__ = [
    "DATASETS",
    "RECIPES",
    "SHIPPED",
    "VARIANTS",
    "VGG16",
    "Checkpoint",
    "CheckpointError",
    "DatasetError",
    "Experiment",
    "FCN8s",
    "FCN16s",
    "FCN32s",
    "InputSpace",
    "L2Norm",
    "ModelError",
    "ParseNet",
    "ParseNetError",
    "PluginWarning",
    "Processes",
    "Progress",
    "Recipe",
    "RunSettings",
    "SceneError",
    "Scores",
    "Scoring",
    "Trained",
    "TrainingError",
    "WeightsError",
    "build",
    "call_pixels",
    "convert",
    "evaluate",
    "feature_norms",
    "joined",
    "load_checkpoint",
    "load_weights",
    "named_recipe",
    "open_dataset",
    "predict",
    "prepare",
    "read_curves",
    "register_dataset",
    "register_recipe",
    "register_variant",
    "save_checkpoint",
    "shipped",
    "train",
    "train_into",
    "training_steps",
    "transplant",
    "usual_experiment",
    "usual_scoring",
]
