"""Tiny trainings, to be run in processes of their own."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import distributed, nn

from parsenet.input_space import InputSpace
from parsenet.training.loop import train
from parsenet.training.processes import joined
from parsenet.training.recipe import Recipe
from parsenet.training.scoring import Scoring
from parsenet.training.settings import RunSettings
from parsenet.variants import build

SPACE = InputSpace((120.0, 110.0, 100.0), (60.0, 60.0, 60.0))
WEIGHTS = (0.5, 1.0, 2.0)


class Photos:
    """Ten images of noise, the brighter the higher the label, 0 to 2; some of it void."""

    title, split = "noise", "all"
    classes = ("dark", "grey", "bright")
    names = tuple(map(str, range(10)))

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        random = np.random.default_rng(index)
        label = random.integers(0, 3, (4, 4)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
        noise = random.integers(0, 100, (32, 32, 3))
        image = (noise + 60 * label[..., None]).astype(np.uint8)
        label[: 4 * (index % 3)] = 255
        return image, label


class Endless:
    """The same without end."""

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return Photos()[index % 10]


class Spread(Scoring):
    """Scores, and how far two processes' buffers are apart while they score."""

    def scores(self, model: nn.Module, input_space: InputSpace) -> dict[str, float]:
        own = torch.cat([buffer.double().flatten() for buffer in model.buffers()])
        both = [torch.empty_like(own), torch.empty_like(own)]
        distributed.all_gather(both, own)
        spread = float((both[0] - both[1]).abs().max())
        return super().scores(model, input_space) | {"spread": spread}


def make_recipe(**values: Any) -> Recipe:
    return Recipe.from_table(
        {
            "description": "tiny",
            "max_iter": 8,
            "batch_size": 1,
            "iter_size": 4,
            "base_lr": 1e-5,
            "lr_policy": "poly",
            "weight_decay": 5e-4,
            "crop": [24, 24],
            "scales": [0.75, 1.5],
            "mirror": True,
        }
        | values
    )


def make_model(**options: Any) -> torch.nn.Module:
    torch.manual_seed(1)
    return build("parsenet", classes=3, **{"width": 1 / 64, **options})


def run(
    folder: Path | None, recipe: Recipe, options: dict[str, Any], device: str = "cpu", **how: Any
) -> torch.nn.Module:
    """Train to the end; the process group, if there is one, is that of the environment."""
    torch.set_num_threads(1)
    model = make_model(**options)
    weights = torch.tensor(WEIGHTS) if recipe.weigh_classes else None
    with joined(device) as processes:
        train(
            model,
            Photos(),
            recipe,
            input_space=SPACE,
            class_weights=weights,
            folder=folder,
            run=RunSettings(processes=processes, **how),
        )
    return model


def run_as(rank: int, count: int, port: int, folder: Path, *args: Any, **how: Any) -> None:
    """Train as one of several processes, told so as torchrun tells."""
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE=str(count),
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
    )
    model = run(folder, *args, **how)
    torch.save(model.state_dict(), folder / f"rank-{rank}.pt")
