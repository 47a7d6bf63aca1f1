"""The families of networks that people have: those of transformers here, and those of torchvision
and timm in `make test-zoo`. Small and untrained, but not at rest: see `awake`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

import leanfair
from leanfair.data.batches import Batch, forward
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.surgery.removal import apply
from leanfair.pruning.types import Cut, NeuronCut


def awake(model: nn.Module) -> nn.Module:
    """`model` with statistics, and scales that begin at zero or next to it, as after training."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, _BatchNorm) and module.running_mean is not None:
                for tensor, low in ((module.running_mean, -0.2), (module.running_var, 0.6)):
                    tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.4 + low)
        for parameter in model.parameters():
            if float(parameter.abs().max()) < 1e-3 or float(parameter.std()) == 0:
                parameter.copy_(torch.rand(parameter.shape, generator=generator) * 0.4 + 0.3)
    return model.eval()


def hold(model: nn.Module, sample: Batch, layers: int, groups: int) -> None:
    """Everything that is offered can go, and `prune` gets where it is told to."""
    awake(model)
    anatomy = dissect(model, sample)
    assert (len(anatomy.layers), len(anatomy.neurons)) == (layers, groups), anatomy.refused
    for layer in anatomy.layers:
        apply(Cut("layer", layers=(layer,)), model, sample)
    cuts = tuple(NeuronCut(g, tuple(range(1, g.count, 2))) for g in anatomy.neurons)
    if cuts:
        apply(Cut("neurons", neurons=cuts), model, sample)
    run = leanfair.prune(
        model, calibration=[sample.inputs], cut=0.2, criterion="l1", min_layers=1, pace=0.2,
        candidate_epochs=0, round_epochs=0, final_epochs=0, latency_batches=(),
    )  # fmt: skip
    assert run.summary["removed"] >= 0.2
    assert bool(torch.isfinite(forward(run.model, sample.inputs)).all())


TRANSFORMERS: dict[str, tuple[str, dict[str, Any], int, int]] = {
    "resnet basic": (
        "ResNet",
        {"embedding_size": 8, "hidden_sizes": [8, 12], "depths": [2, 3], "layer_type": "basic"},
        4, 5,
    ),
    "resnet bottleneck": (
        "ResNet", {"embedding_size": 8, "hidden_sizes": [16, 32], "depths": [2, 3]}, 3, 11
    ),
    "resnet bottleneck, downsampling early": (
        "ResNet",
        {
            "embedding_size": 8, "hidden_sizes": [16, 32], "depths": [2, 3],
            "downsample_in_first_stage": True, "downsample_in_bottleneck": True,
        },
        3, 11,
    ),
    "resnet gelu": (
        "ResNet",
        {
            "embedding_size": 8, "hidden_sizes": [8, 12], "depths": [2, 2],
            "layer_type": "basic", "hidden_act": "gelu",
        },
        0, 4,
    ),
    "regnet x": (
        "RegNet",
        {
            "embedding_size": 8, "hidden_sizes": [16, 32], "depths": [2, 2], "groups_width": 8,
            "layer_type": "x",
        },
        2, 5,
    ),
    "regnet y": (
        "RegNet",
        {
            "embedding_size": 8, "hidden_sizes": [16, 32], "depths": [2, 2], "groups_width": 8,
            "layer_type": "y",
        },
        2, 9,
    ),
    "convnext": (
        "ConvNext", {"hidden_sizes": [8, 16], "depths": [2, 2], "num_stages": 2}, 4, 4
    ),
    "convnext v2": (
        "ConvNextV2", {"hidden_sizes": [8, 16], "depths": [2, 3], "num_stages": 2}, 5, 0
    ),
    "bit": (
        "Bit",
        {"embedding_size": 8, "hidden_sizes": [32, 64], "depths": [2, 2], "num_groups": 4},
        2, 0,
    ),
    "vit": (
        "ViT",
        {
            "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2,
            "intermediate_size": 32, "image_size": 32, "patch_size": 8,
        },
        3, 6,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(TRANSFORMERS))
def test_networks_of_transformers_can_be_pruned(name: str) -> None:
    import transformers

    family, settings, layers, groups = TRANSFORMERS[name]
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(num_labels=5, **settings)
    model = getattr(transformers, f"{family}ForImageClassification")(config)
    hold(model, Batch({"pixel_values": torch.randn(4, 3, 32, 32)}), layers, groups)


@pytest.mark.parametrize("name", ["resnet basic", "regnet y", "convnext v2"])
def test_a_configuration_has_tuples_where_it_was_never_saved(name: str, tmp_path: Path) -> None:
    import transformers

    family, settings, layers, groups = TRANSFORMERS[name]
    tupled = {key: tuple(v) if isinstance(v, list) else v for key, v in settings.items()}
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(num_labels=5, **tupled)
    assert isinstance(config.depths, tuple)
    model = getattr(transformers, f"{family}ForImageClassification")(config)
    images = Batch({"pixel_values": torch.randn(4, 3, 32, 32)})
    hold(model, images, layers, groups)
    run = leanfair.prune(
        model, calibration=[images.inputs], cut=0.02, criterion="l1", out=tmp_path,
        latency_batches=(), only="layer", min_layers=1,
    )  # fmt: skip
    assert config.depths == tupled["depths"]
    kind = getattr(transformers, f"{family}ForImageClassification")
    again = kind.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        wanted = run.model.eval()(**images.inputs).logits
        assert torch.allclose(again(**images.inputs).logits, wanted, atol=1e-5)


def package(name: str) -> Any:
    """A package that may be missing, or be there without the operators that it needs."""
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError, OSError) as error:
        pytest.skip(f"{name} cannot be imported here: {str(error).splitlines()[0]}")


def _resnet(block: str, **settings: Any) -> Callable[[Any], nn.Module]:
    def make(models: Any) -> nn.Module:
        kind = getattr(models.resnet, block)
        return models.resnet.ResNet(kind, [2, 2, 1, 1], num_classes=5, **settings)

    return make


def _named(name: str, **settings: Any) -> Callable[[Any], nn.Module]:
    return lambda models: models.get_model(name, weights=None, num_classes=5, **settings)


def _convnext(models: Any) -> nn.Module:
    block = models.convnext.CNBlockConfig
    return models.convnext.ConvNeXt([block(16, 32, 2), block(32, None, 2)], num_classes=5)


def _densenet(models: Any) -> nn.Module:
    return models.DenseNet(4, (2, 2), num_init_features=8, num_classes=5)


TORCHVISION: dict[str, tuple[Callable[[Any], nn.Module], int, int]] = {
    "resnet basic": (_resnet("BasicBlock"), 3, 6),
    "resnet bottleneck": (_resnet("Bottleneck"), 2, 13),
    "resnext": (_resnet("Bottleneck", groups=8, width_per_group=4), 2, 7),
    "wide resnet": (_resnet("Bottleneck", width_per_group=128), 2, 13),
    "convnext": (_convnext, 4, 4),
    "mobilenet v2": (_named("mobilenet_v2", width_mult=0.25), 11, 17),
    "mobilenet v3": (_named("mobilenet_v3_small", width_mult=0.5), 7, 22),
    "regnet x": (_named("regnet_x_400mf"), 18, 23),
    "regnet y": (_named("regnet_y_400mf"), 12, 33),
    "efficientnet": (_named("efficientnet_b0"), 9, 33),
    "mnasnet": (_named("mnasnet0_5"), 10, 19),
    "densenet": (_densenet, 0, 10),
    "squeezenet": (_named("squeezenet1_1"), 0, 25),
    "shufflenet": (_named("shufflenet_v2_x0_5"), 0, 18),
    "video resnet": (_named("r3d_18"), 5, 8),
}

TIMM: dict[str, tuple[int, int]] = {
    "resnet10t": (1, 6), "seresnet18": (5, 16), "resnetv2_18": (5, 8), "ecaresnet26t": (4, 19),
    "resnext26ts": (0, 11), "convnext_atto": (12, 12), "convnextv2_atto": (12, 0),
    "mobilenetv2_050": (10, 19), "mobilenetv3_small_050": (7, 23), 
    "mobilenetv4_conv_small": (10, 19),
    "regnetx_002": (9, 14), "regnety_002": (9, 27), "efficientnet_b0": (9, 34),
    "tf_efficientnet_lite0": (9, 18), "fbnetc_100": (15, 22), "hardcorenas_a": (5, 22),
    "poolformer_s12": (12, 12), "edgenext_xx_small": (12, 12),
}  # fmt: skip


@pytest.mark.zoo
@pytest.mark.parametrize("name", sorted(TORCHVISION))
def test_networks_of_torchvision_can_be_pruned(name: str) -> None:
    models = package("torchvision.models")
    make, layers, groups = TORCHVISION[name]
    torch.manual_seed(0)
    shape = (3, 4, 32, 32) if name.startswith("video") else (3, 64, 64)
    hold(make(models), Batch(torch.randn(2, *shape)), layers, groups)


@pytest.mark.zoo
@pytest.mark.parametrize("name", sorted(TIMM))
def test_networks_of_timm_can_be_pruned(name: str) -> None:
    timm = package("timm")
    torch.manual_seed(0)
    model = timm.create_model(name, pretrained=False, num_classes=5)
    hold(model, Batch(torch.randn(2, 3, 64, 64)), *TIMM[name])
