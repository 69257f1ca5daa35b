import pytest
import torch
from torch import Tensor, nn

from parsenet import VGG16, InputSpace, ParseNet, WeightsError, build
from parsenet.input_space import IMAGENET
from parsenet.pretrained import CAFFE, Weights, transplant
from parsenet.pretrained.layouts import from_torchvision
from parsenet.pretrained.weights import CONVOLUTIONS
from strategies.narrow_vgg import WIDTH, fc7, narrow_vgg16


def weights_of(net: nn.Module, space: InputSpace = IMAGENET) -> Weights:
    return Weights("narrow", from_torchvision(net.state_dict()), space)


@torch.no_grad()
def test_fc7_equals_the_classifiers_where_it_sees_one_whole_image() -> None:
    theirs, image = narrow_vgg16(), torch.randn(2, 3, 224, 224)
    ours = VGG16(width=WIDTH, fc6_padding=0).eval()
    report = transplant(ours, weights_of(theirs))
    expected = fc7(theirs, theirs.features(image))
    assert expected.any()
    torch.testing.assert_close(ours(image).flatten(1), expected)
    assert len(report.matched) == 28  # 13 convolutions and two biases of fc6 and fc7
    assert set(report.reshaped) == {"fc6.conv.weight", "fc7.conv.weight"}
    assert set(report.reshaped.values()) == {"made a convolution"}
    assert report.fresh == {}
    assert report.unused == ("classifier.6.weight", "classifier.6.bias")
    assert report.input_space == IMAGENET


@torch.no_grad()
def test_fcn_takes_the_same_weights_and_leaves_its_scores_as_built() -> None:
    theirs = narrow_vgg16()
    fcn = build("fcn8s", width=WIDTH, classes=3)
    report = transplant(fcn, weights_of(theirs))
    flat = theirs.classifier[0].weight
    assert torch.equal(fcn.get_submodule("fc6.conv").weight.flatten(1), flat)
    scores = {"score_fr", "score_pool3", "score_pool4"}
    deconvolutions = {"upscore2.weight", "upscore_pool4.weight", "upscore8.weight"}
    expected = {f"{name}.{kind}" for name in scores for kind in ("weight", "bias")}
    assert report.fresh.keys() == expected | deconvolutions
    assert set(report.fresh.values()) == {"not among the weights"}


@torch.no_grad()
def test_fc_reduced_is_the_classifier_with_most_of_it_crossed_out() -> None:
    """Taps and channels that reduction drops, set to zero in the whole matrices instead."""
    theirs, image = narrow_vgg16(), torch.randn(1, 3, 224, 224)
    ours = VGG16(width=WIDTH, fc6="reduced", stride=32).eval()
    report = transplant(ours, weights_of(theirs))
    taps = torch.zeros(7, 7)
    taps[::3, ::3] = 1
    theirs.classifier[0].weight *= taps.flatten().repeat(8)
    dropped = [channel for channel in range(64) if channel % 4]
    theirs.classifier[3].weight[:, dropped] = 0
    expected = fc7(theirs, theirs.features(image))[:, ::4]
    assert expected.any()
    middle = ours(image)[:, :, 3, 3]  # there the dilated fc6 reads rows and columns 0, 3 and 6
    torch.testing.assert_close(middle, expected)
    both = "made a convolution; every fourth channel, every third tap"
    assert report.reshaped["fc6.conv.weight"] == report.reshaped["fc7.conv.weight"] == both
    assert report.reshaped["fc7.conv.bias"] == "every fourth channel, every third tap"


def test_reduced_parsenet_has_the_slices_of_the_recipe() -> None:
    theirs = narrow_vgg16()
    ours = ParseNet(width=WIDTH)
    transplant(ours, weights_of(theirs))
    state = theirs.state_dict()
    fc6 = state["classifier.0.weight"].reshape(64, 8, 7, 7)
    assert torch.equal(ours.fc6.conv.weight, fc6[0::4, :, 0::3, 0::3])
    assert torch.equal(ours.fc6.conv.bias, state["classifier.0.bias"][0::4])
    fc7_weight = state["classifier.3.weight"][0::4, 0::4]
    assert torch.equal(ours.fc7.conv.weight[:, :, 0, 0], fc7_weight)
    assert torch.equal(ours.fc7.conv.bias, state["classifier.3.bias"][0::4])


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("wanted", [False, True])
@torch.no_grad()
def test_convolutions_compute_the_same_with_and_without_batch_norm(
    given: bool, wanted: bool
) -> None:
    theirs = narrow_vgg16(batch_norm=given)
    ours = VGG16(width=WIDTH, fc6="reduced", batch_norm=wanted).eval()
    report = transplant(ours, weights_of(theirs))
    image = torch.randn(2, 3, 64, 64)
    expected = theirs.features(image)
    torch.testing.assert_close(ours.trunk(image, "pool5")["pool5"], expected, rtol=1e-4, atol=1e-5)
    assert report.unused == ("classifier.6.weight", "classifier.6.bias")
    assert ("conv1_1.conv.weight" in report.reshaped) == (given and not wanted)


@torch.no_grad()
def test_bgr_weights_read_rgb_images_after_their_reversal() -> None:
    theirs, grey = narrow_vgg16(), torch.randint(0, 256, (1, 3, 64, 64)).float()
    ours = VGG16(width=WIDTH, fc6="reduced").eval()
    report = transplant(ours, weights_of(theirs, CAFFE), channel_order="rgb")
    assert report.input_space.channel_order == "rgb"
    assert report.input_space.mean == (122.67891434, 116.66876762, 104.00698793)
    assert report.reshaped["conv1_1.conv.weight"] == "input channels reversed to rgb"
    picture = grey[0].permute(1, 2, 0).numpy()
    expected = theirs.features(CAFFE.tensor(picture)[None])
    actual = ours.trunk(report.input_space.tensor(picture)[None], "pool5")["pool5"]
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)


def test_weights_of_the_asked_order_are_not_reversed() -> None:
    theirs = narrow_vgg16()
    ours = VGG16(width=WIDTH, fc6="reduced")
    report = transplant(ours, weights_of(theirs, CAFFE), channel_order="bgr")
    assert report.input_space == CAFFE
    assert torch.equal(ours.conv1_1.conv.weight, theirs.features[0].weight)


def test_rgb_weights_in_a_bgr_model_turn_their_scale_too() -> None:
    ours = VGG16(width=WIDTH, fc6="reduced")
    report = transplant(ours, weights_of(narrow_vgg16()), channel_order="bgr")
    assert report.input_space.std == (57.375, 57.12, 58.395)


def test_another_number_of_classes_leaves_the_scores_as_built() -> None:
    trained = ParseNet(width=WIDTH, classes=5)
    ours = ParseNet(width=WIDTH, classes=3)
    before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    weights = Weights("other", trained.state_dict(), IMAGENET)
    report = transplant(ours, weights)
    score = "fc7_norm_score.weight"
    assert report.fresh[score] == "(5, 16, 1, 1) among the weights, (3, 16, 1, 1) in the model"
    assert torch.equal(ours.state_dict()[score], before[score])
    assert score in report.unused
    assert "fc7_norm.gamma" in report.matched


def test_tensors_that_are_not_finite_are_left_out() -> None:
    """torchvision's IMAGENET1K_FEATURES fills its classifier with NaN."""
    theirs = narrow_vgg16()
    nn.init.constant_(theirs.classifier[0].weight, torch.nan)
    ours = VGG16(width=WIDTH)
    report = transplant(ours, weights_of(theirs))
    assert report.fresh == {"fc6.conv.weight": "not finite among the weights"}
    assert all(tensor.isfinite().all() for tensor in ours.state_dict().values())


def test_weights_of_another_width_are_refused_and_the_model_left_as_it_was() -> None:
    ours = VGG16(width=1 / 16, batch_norm=True)
    before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    message = (
        r"narrow: none of its 32 tensors fits the model: conv1_1.conv.weight is \(1, 3, 3, 3\) "
        r"among the weights, \(4, 3, 3, 3\) in the model"
    )
    with pytest.raises(WeightsError, match=message):
        transplant(ours, weights_of(narrow_vgg16()))
    assert all(torch.equal(tensor, before[name]) for name, tensor in ours.state_dict().items())


def test_convolutions_alone_leave_fc6_and_fc7_as_built() -> None:
    theirs = narrow_vgg16()
    state = {n: t for n, t in theirs.state_dict().items() if n.startswith("features")}
    ours = ParseNet(width=WIDTH, fusion="none")
    report = transplant(ours, Weights("narrow", from_torchvision(state), IMAGENET))
    assert len(report.matched) == 2 * len(CONVOLUTIONS)
    assert {"fc6.conv.weight", "fc7.conv.weight", "fc7_norm.gamma"} <= report.fresh.keys()
    summary = "narrow: 26 tensors matched, 0 reshaped, 9 left as built, 0 unused"
    assert report.summary() == summary
    left = "  left as built: fc6.conv, fc7.conv, fc7_norm, fc7_norm_score, upscore"
    words = "imagenet: RGB by ImageNet's mean and deviation, as in torchvision"
    taken = f"  input: {words} (by the names of its tensors)"
    assert report.report() == f"{summary}\n{left}\n{taken}"


def test_parameters_stay_trainable() -> None:
    ours = VGG16(width=WIDTH)
    transplant(ours, weights_of(narrow_vgg16()))
    loss: Tensor = ours(torch.randn(1, 3, 64, 64)).sum()
    loss.backward()
    assert all(
        parameter.requires_grad and parameter.grad is not None for parameter in ours.parameters()
    )
