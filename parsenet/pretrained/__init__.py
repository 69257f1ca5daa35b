"""Weights from elsewhere: read them, bring them to the model's form, and say what went where."""

from parsenet.pretrained.files import load_weights
from parsenet.pretrained.transplantation import Transplant, transplant
from parsenet.pretrained.weights import CAFFE, Weights

__all__ = ["CAFFE", "Transplant", "Weights", "load_weights", "transplant"]
