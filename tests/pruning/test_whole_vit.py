"""A vision transformer that reads digits, from its training to the file that stock tools run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch
from torch import nn
from transformers import ViTConfig, ViTForImageClassification

import leanfair
from leanfair.data.images import Splits, load
from leanfair.evaluation.accuracy import accuracy
from leanfair.files import read_tensors, write_tensors
from leanfair.pruning.checkpoint.onnx import export_onnx
from leanfair.pruning.run.result import Pruned
from leanfair.pruning.training.fine_tune import Recipe, fine_tune
from leanfair.pruning.types import Event

pytestmark = pytest.mark.real

STOCK = """
import sys
from safetensors.torch import load_file
from transformers import AutoModelForImageClassification

run, images, target = sys.argv[1:]
model = AutoModelForImageClassification.from_pretrained(run).eval()
assert "leanfair" not in sys.modules
from safetensors.torch import save_file
save_file({"logits": model(load_file(images)["images"]).logits.detach()}, target)
"""


def vit() -> nn.Module:
    """Four layers of four heads that look at quarters of an image."""
    torch.manual_seed(0)
    return ViTForImageClassification(
        ViTConfig(
            hidden_size=32, intermediate_size=64, num_hidden_layers=4, num_attention_heads=4,
            image_size=8, patch_size=4, num_channels=1, num_labels=10,
        )
    ).eval()  # fmt: skip


def pruned(network: nn.Module, digits: Splits, out: Path, **more: Any) -> Pruned:
    recipe = Recipe(optimizer="adamw", lr=2e-3, weight_decay=0.01, batch_size=32, clip=1.0)
    return leanfair.prune(
        network, train=digits.train, calibration=digits.calibration, test=digits.test, out=out,
        cut=0.5, recipe=recipe, candidate_epochs=0.5, round_epochs=2, final_epochs=4, pace=0.25,
        score_samples=64, latency_batches=(), **more,
    )  # fmt: skip


class KilledError(Exception):
    """Stands in for the end of a process."""


def dies_in(number: int) -> Any:
    """A listener that ends the run halfway through the recovery of round `number`."""

    def listener(event: Event) -> None:
        if event.round == number and event.stage == "recover" and event.done > 0.5:
            raise KilledError

    return listener


def decisions(run: Path) -> list[dict[str, Any]]:
    steps = json.loads((run / "steps.json").read_text())
    spent = ("seconds", "energy")
    return [{key: value for key, value in step.items() if key not in spent} for step in steps]


def logits_of(path: Path, images: torch.Tensor) -> torch.Tensor:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(["logits"], {"input": images.numpy()})[0])


@pytest.fixture(scope="module")
def digits() -> Splits:
    return load("digits", augment=False)


def test_half_of_it_goes_and_what_it_knows_stays(digits: Splits, tmp_path: Path) -> None:
    network = vit()
    recipe = Recipe(optimizer="adamw", lr=4e-3, weight_decay=0.01, batch_size=32, warmup=0.1)
    fine_tune(network, digits.train, images=16 * len(digits.train), recipe=recipe)
    assert accuracy(network, digits.test) > 0.9

    whole = pruned(network, digits, tmp_path / "whole")
    macs, right = whole.summary["macs"], whole.summary["accuracy"]
    assert macs["after"] <= 0.5 * macs["before"]
    assert right["after"] >= right["before"] - 0.04

    with pytest.raises(KilledError):
        pruned(network, digits, tmp_path / "broken", on_event=dies_in(2))
    assert len(decisions(tmp_path / "broken")) == 1
    again = pruned(network, digits, tmp_path / "broken", resume=True)
    assert decisions(tmp_path / "broken") == decisions(tmp_path / "whole")
    state = whole.model.state_dict()
    for name, value in again.model.state_dict().items():
        assert torch.equal(value, state[name]), name

    images = torch.stack([digits.test[i][0] for i in range(32)])
    with torch.inference_mode():
        expected = whole.model(images).logits
        assert torch.equal(leanfair.load(tmp_path / "whole")(images).logits, expected)
    write_tensors(tmp_path / "images.safetensors", {"images": images})
    files = [str(tmp_path / name) for name in ("whole", "images.safetensors", "out.safetensors")]
    done = subprocess.run(
        [sys.executable, "-c", STOCK, *files], capture_output=True, text=True, check=False,
        cwd=tmp_path, env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    stock = read_tensors(tmp_path / "out.safetensors")["logits"]
    torch.testing.assert_close(stock, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("free", [False, True])
def test_the_exported_file_is_as_much_smaller_as_the_network(
    free: bool, digits: Splits, tmp_path: Path
) -> None:
    network = vit()
    run = leanfair.prune(
        network, calibration=digits.calibration.subset(range(32)), cut=0.4, of="params",
        criterion="random", free=free, out=tmp_path / "run", latency_batches=(), min_layers=4,
    )  # fmt: skip
    widths = {module.out_features for name, module in run.model.named_modules() if "fc1" in name}
    assert (len(widths) > 1) == free
    assert (tmp_path / "run" / "config.json").exists() != free
    images = torch.randn(5, 1, 8, 8)
    sizes = []
    for name, model in (("before", network), ("after", leanfair.load(tmp_path / "run"))):
        path = export_onnx(model, images[:2], tmp_path / f"{name}.onnx")
        sizes.append(path.stat().st_size)
        with torch.inference_mode():
            expected = model(images).logits
        torch.testing.assert_close(logits_of(path, images), expected, atol=1e-4, rtol=0)
    bytes_ = run.summary["bytes"]
    assert sizes[0] - sizes[1] == pytest.approx(bytes_["before"] - bytes_["after"], rel=0.3)
