"""ParseNet and FCN: models, weights in and out, scenes, trainer."""
