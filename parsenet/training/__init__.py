"""Training: recipes as data, samples, updates, snapshots, and the loop that joins them.

What decides a training is an ``Experiment``: a network, a data set, initial weights and a
``Recipe``. ``prepare`` makes the network and opens the data, ``train`` goes through the recipe's
iterations.
"""

from parsenet.training.experiment import Experiment, Prepared, prepare
from parsenet.training.journal import read_journal
from parsenet.training.learner import Learner
from parsenet.training.loop import Progress, train
from parsenet.training.processes import ALONE, Processes, joined
from parsenet.training.recipe import Recipe
from parsenet.training.recipes import RECIPES, named_recipe, register_recipe
from parsenet.training.solver import CaffeSGD
from parsenet.training.supply import Labelled

__all__ = [
    "ALONE",
    "RECIPES",
    "CaffeSGD",
    "Experiment",
    "Labelled",
    "Learner",
    "Prepared",
    "Processes",
    "Progress",
    "Recipe",
    "joined",
    "named_recipe",
    "prepare",
    "read_journal",
    "register_recipe",
    "train",
]
