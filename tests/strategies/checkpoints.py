"""Small untrained checkpoints whose predictions differ from pixel to pixel."""

from pathlib import Path

import torch

from parsenet import Checkpoint, build, save_checkpoint

MEAN, STD = (100.0, 110.0, 120.0), (50.0, 60.0, 70.0)


def write_checkpoint(path: Path, classes: tuple[str, ...]) -> Checkpoint:
    """Class scores are widened and centred on their means over noise, so that all classes win."""
    options = {"width": 1 / 16, "batch_norm": True, "dropout": False}
    torch.manual_seed(0)
    model = build("parsenet", classes=len(classes), **options)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None
        model.train()
        noise = torch.randn(4, 3, 64, 64)
        model(noise)
        mean = model.eval()(noise).mean(dim=(0, 2, 3))
        model.upscore.bias -= mean
    checkpoint = Checkpoint("parsenet", options, classes, MEAN, STD, "bgr", model=model)
    save_checkpoint(checkpoint, path)
    return checkpoint
