"""Training: recipes as data, samples, updates, snapshots, and the loop that joins them.

What decides a training is an ``Experiment``: a network, a data set, initial weights and a
``Recipe``. ``train_into`` does all of it in a folder, in one call; ``usual_experiment`` fills in
what is not said. Of its parts, ``prepare`` makes the network and opens the data, ``train`` goes
through the recipe's iterations, and ``training_steps`` does so a step at a time.
"""

from parsenet.training.configuration import read_config, write_config
from parsenet.training.experiment import Experiment, Prepared, fetch_data, prepare
from parsenet.training.into import train_into
from parsenet.training.journal import read_curves, read_journal
from parsenet.training.learner import Learner
from parsenet.training.loop import Progress, train, training_steps
from parsenet.training.processes import ALONE, Processes, joined
from parsenet.training.recipe import Recipe
from parsenet.training.recipes import RECIPES, named_recipe, register_recipe
from parsenet.training.scoring import Scoring, usual_picture, usual_scoring
from parsenet.training.settings import RunSettings
from parsenet.training.snapshot import SnapshotWarning
from parsenet.training.solver import CaffeSGD
from parsenet.training.statistics import StatisticsWarning
from parsenet.training.stopping import Stopped, StoppingWarning
from parsenet.training.supply import Labelled
from parsenet.training.trained import Trained
from parsenet.training.usual import (
    usual_distance,
    usual_experiment,
    usual_options,
    usual_recipe,
    usual_split,
    usual_workers,
)

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
    "RunSettings",
    "Scoring",
    "SnapshotWarning",
    "StatisticsWarning",
    "Stopped",
    "StoppingWarning",
    "Trained",
    "fetch_data",
    "joined",
    "named_recipe",
    "prepare",
    "read_config",
    "read_curves",
    "read_journal",
    "register_recipe",
    "train",
    "train_into",
    "training_steps",
    "usual_distance",
    "usual_experiment",
    "usual_options",
    "usual_picture",
    "usual_recipe",
    "usual_scoring",
    "usual_split",
    "usual_workers",
    "write_config",
]
