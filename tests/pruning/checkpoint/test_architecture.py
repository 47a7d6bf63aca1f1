"""A network of the same architecture is built from what its origin says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from leanfair.data.batches import forward
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.checkpoint.architecture import build, origin_of, skeleton
from leanfair.pruning.checkpoint.loading import open_model
from tests.support.nets import rebuilt, resnet, same
from tests.support.tiny_text import bert, llama


@pytest.mark.parametrize(
    "model",
    [CifarResNet(20, classes=3, shortcut="B", channels=1), resnet(), resnet("bottleneck")],
    ids=["cifar", "basic", "bottleneck"],
)
def test_an_origin_builds_the_same_architecture_from_json(model: nn.Module) -> None:
    built = rebuilt(model.eval())
    assert built is not model
    x = torch.randn(2, 1, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(forward(built, x), forward(model, x))


def test_building_draws_no_random_number_of_the_users() -> None:
    origin = origin_of(CifarResNet(8))
    assert origin is not None
    state = torch.get_rng_state()
    build(origin)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_language_model_is_built_anew_with_its_buffers_dtype_and_ties(
    tied: bool, dtype: torch.dtype, tmp_path: Path
) -> None:
    llama(tie_word_embeddings=tied).to(dtype).save_pretrained(tmp_path)
    model: Any = open_model(str(tmp_path))
    built: Any = rebuilt(model)
    assert built.dtype == dtype
    assert (built.lm_head.weight is built.model.embed_tokens.weight) == tied
    mine, theirs = dict(model.named_buffers()), dict(built.named_buffers())
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    ids = torch.randint(0, 64, (2, 7))
    with torch.inference_mode():
        assert torch.equal(built(ids).logits, model(ids).logits)
    built.train()(ids, labels=ids).loss.backward()  # weights that can be trained


def test_a_classifier_of_texts_is_built_anew() -> None:
    model: Any = bert(num_labels=3)
    ids = torch.randint(0, 64, (2, 7))
    with torch.inference_mode():
        torch.testing.assert_close(rebuilt(model)(ids).logits, model(ids).logits)


def test_a_skeleton_spends_nothing_on_weights() -> None:
    model: Any = llama()
    origin = origin_of(model)
    assert origin is not None
    bones = skeleton(origin)
    assert all(value.is_meta for value in bones.parameters())
    assert not any(value.is_meta for value in bones.buffers())
    bones.load_state_dict(model.state_dict(), assign=True)
    assert same(bones, model)
