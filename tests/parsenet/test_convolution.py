import torch

from parsenet.convolution import ConvReLU, ScoreConv


def test_score_layers_start_as_caffes_xavier() -> None:
    torch.manual_seed(0)
    layer = ScoreConv(300, 200)
    bound = (3 / 300) ** 0.5  # uniform within ±sqrt(3 / fan-in)
    assert layer.weight.abs().max().item() <= bound
    assert abs(layer.weight.std().item() / (bound / 3**0.5) - 1) < 0.01
    assert not layer.bias.any()


def test_features_start_as_he_et_al() -> None:
    torch.manual_seed(0)
    layer = ConvReLU(64, 128, 3)
    assert abs(layer.conv.weight.std().item() / (2 / (64 * 9)) ** 0.5 - 1) < 0.01
    assert not layer.conv.bias.any()


def test_children_come_in_the_order_of_the_blobs() -> None:
    layer = ConvReLU(2, 3, 1, batch_norm=True, dropout=0.5)
    assert [name for name, _ in layer.named_children()] == ["conv", "norm", "relu", "dropout"]
    assert layer.conv.bias is None
    assert [name for name, _ in ConvReLU(2, 3, 1).named_children()] == ["conv", "relu"]
