"""Measuring: a network comes out of it as it went in."""

from __future__ import annotations

from contextlib import suppress

import pytest
import torch
from torch import nn

from leanfair.data.batches import Batch
from leanfair.evaluation.mode import device_of, evaluating, full_precision, moved


def test_each_module_gets_its_own_mode_back_even_after_an_error() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Sequential(nn.Dropout(), nn.Linear(2, 2)))
    model.train()
    model[0].eval()  # a frozen normalisation in a network under training
    before = [module.training for module in model.modules()]
    for fails in (False, True):
        try:
            with evaluating(model):
                assert not any(module.training for module in model.modules())
                if fails:
                    raise KeyError
        except KeyError:
            pass
        assert [module.training for module in model.modules()] == before


@pytest.mark.parametrize("model", [nn.Linear(2, 2), nn.BatchNorm1d(2, affine=False)])
def test_batches_move_to_where_the_weights_or_the_buffers_are(model: nn.Module) -> None:
    assert device_of(model) == torch.device("cpu")
    model.to("meta")
    batch = moved(Batch({"x": torch.ones(3, 2)}, torch.zeros(3)), model)
    assert isinstance(batch.inputs, dict)
    assert batch.labels is not None
    assert {batch.inputs["x"].device.type, batch.labels.device.type} == {"meta"}


def test_a_model_without_weights_takes_batches_where_they_are() -> None:
    batch = Batch(torch.ones(3, 2, device="meta"))
    assert device_of(nn.ReLU()) is None
    assert moved(batch, nn.ReLU()) is batch


def switches() -> dict[str, object]:
    """All that PyTorch says about the precision of float32 on a GPU, and about cuDNN."""
    cuda, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    places = {"matmul": cuda, "convolution": cudnn.conv, "recurrent": cudnn.rnn}
    precisions: dict[str, object] = {n: place.fp32_precision for n, place in places.items()}
    return {**precisions, "others": (cudnn.enabled, cudnn.benchmark, cudnn.deterministic)}


@pytest.mark.skipif(not hasattr(torch.backends.cudnn, "conv"), reason="needs PyTorch 2.9")
@pytest.mark.parametrize("tf32", [False, True])
@pytest.mark.parametrize("enabled", [False, True])
def test_full_precision_switches_tf32_off_and_nothing_else_and_that_not_for_good(
    tf32: bool, enabled: bool
) -> None:
    found = switches()
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    cudnn_enabled, old = cudnn.enabled, cudnn.conv.fp32_precision
    try:
        matmul.fp32_precision = cudnn.conv.fp32_precision = "tf32" if tf32 else "none"
        cudnn.enabled = enabled
        before = switches()
        off = dict.fromkeys(("matmul", "convolution", "recurrent"), "ieee")
        with suppress(KeyError), full_precision():
            assert switches() == {**before, **off}
            raise KeyError
        assert switches() == before
    finally:
        matmul.fp32_precision, cudnn.conv.fp32_precision = found["matmul"], old
        cudnn.enabled = cudnn_enabled
    assert switches() == found


def test_the_older_names_of_the_precisions_tell_afterwards_what_they_told_before() -> None:
    before = torch.get_float32_matmul_precision()
    try:
        for precision in ("highest", "high", "medium"):
            torch.set_float32_matmul_precision(precision)
            allowed = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
            with full_precision():
                pass
            assert torch.get_float32_matmul_precision() == precision
            now = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
            assert now == allowed
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_products_on_a_gpu_are_those_of_full_precision() -> None:
    torch.manual_seed(0)
    x = torch.randn(512, 512, device="cuda")
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        exact = x.double() @ x.double()
        with full_precision():
            assert (x @ x - exact).abs().max() < 1e-3
    finally:
        torch.set_float32_matmul_precision(before)
