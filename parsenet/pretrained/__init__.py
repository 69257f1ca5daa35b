"""Weights from elsewhere: read them, bring them to the model's form, and say what went where."""

from parsenet.pretrained.conversion import Conversion, convert
from parsenet.pretrained.files import load_weights, weights_for
from parsenet.pretrained.spaces import CAFFE, SPACES
from parsenet.pretrained.transplantation import Transplant, transplant
from parsenet.pretrained.weights import Weights

__all__ = [
    "CAFFE",
    "SPACES",
    "Conversion",
    "Transplant",
    "Weights",
    "convert",
    "load_weights",
    "transplant",
    "weights_for",
]
