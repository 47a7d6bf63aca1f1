"""The CIFAR residual networks are those of the literature, and know themselves by their weights."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from leanfair.errors import InputError
from leanfair.models.resnet_cifar import CifarResNet, from_state_dict

SHORTCUTS = ("A", "B")


def _count(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)]
)
def test_with_option_a_the_parameters_are_those_of_table_6_of_the_paper(depth, millions):
    parameters = _count(CifarResNet(depth, shortcut="A")) / 1e6
    assert round(parameters, 1 if depth == 110 else 2) == millions


@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_depth_counts_the_convolutions_of_the_main_path_and_the_classifier(shortcut):
    model = CifarResNet(26, shortcut=shortcut)
    kernels = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d) and m.padding == (1, 1)]
    assert len(kernels) + 1 == 26


@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize("size", [(32, 32), (28, 28), (9, 13)])
def test_images_of_any_size_give_logits(shortcut, size):
    model = CifarResNet(8, classes=7, shortcut=shortcut, channels=1).eval()
    logits = model(torch.randn(2, 1, *size))
    assert logits.shape == (2, 7)
    assert bool(torch.isfinite(logits).all())


def test_the_forward_pass_is_that_of_the_paper():
    torch.manual_seed(0)
    model = CifarResNet(8, shortcut="A").double().eval()
    state = model.state_dict()

    def norm(x: Tensor, name: str) -> Tensor:
        keys = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(x, *(state[f"{name}.{key}"] for key in keys))

    x = torch.randn(3, 3, 8, 8, dtype=torch.float64)
    y = F.relu(norm(F.conv2d(x, state["conv1.weight"], padding=1), "bn1"))
    for stage, stride in (("layer1.0", 1), ("layer2.0", 2), ("layer3.0", 2)):
        out = F.conv2d(y, state[f"{stage}.conv1.weight"], stride=stride, padding=1)
        out = F.relu(norm(out, f"{stage}.bn1"))
        out = norm(F.conv2d(out, state[f"{stage}.conv2.weight"], padding=1), f"{stage}.bn2")
        if stride == 2:
            zeros = torch.zeros_like(y[:, : y.shape[1] // 2, ::2, ::2])
            y = torch.cat([zeros, y[:, :, ::2, ::2], zeros], dim=1)
        y = F.relu(out + y)
    logits = F.linear(y.mean(dim=(2, 3)), state["linear.weight"], state["linear.bias"])
    assert torch.allclose(model(x), logits, atol=1e-12)


@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_the_weights_tell_the_network(shortcut):
    model = CifarResNet(14, classes=3, shortcut=shortcut, channels=2).eval()
    again = from_state_dict(model.state_dict()).eval()
    assert again.settings == model.settings
    x = torch.randn(2, 2, 8, 8)
    assert torch.equal(again(x), model(x))


def test_weights_of_something_else_are_refused():
    model = CifarResNet(14)
    state = model.state_dict()
    for wrong in (
        {},
        {"weight": torch.ones(3)},
        {f"module.{name}": value for name, value in state.items()},
        {name: value for name, value in state.items() if name != "linear.weight"},
        {**state, "linear.weight": torch.zeros(())},
        {**state, "linear.weight": torch.zeros(10**11, 0)},
        {**state, "conv1.weight": torch.zeros(16, 10**9, 0, 3)},
    ):
        with pytest.raises(InputError, match="not of a CIFAR ResNet"):
            from_state_dict(wrong)
    narrowed = {**state, "layer1.0.conv1.weight": state["layer1.0.conv1.weight"][:9]}
    one_short = {name: v for name, v in state.items() if not name.startswith("layer3.1.")}
    for wrong in (narrowed, one_short):
        with pytest.raises(InputError, match="do not fit a ResNet-14"):
            from_state_dict(wrong)


@pytest.mark.parametrize("depth", [0, 2, 7, 18, 51, -4])
def test_a_depth_that_is_not_6n_plus_2_is_refused(depth):
    with pytest.raises(InputError, match=r"6n \+ 2"):
        CifarResNet(depth)


def test_an_unknown_shortcut_is_refused():
    with pytest.raises(InputError, match="'A' or 'B'"):
        CifarResNet(8, shortcut="C")  # type: ignore[arg-type]
