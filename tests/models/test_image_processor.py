"""What an image model says of its images: held against transformers' own processing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from leanfair.errors import InputError
from leanfair.models.image_processor import (
    FILE,
    channels_of,
    open_image_processor,
    own_image_processor,
    preprocessing_of,
)
from tests.support.nets import resnet

SAID: dict[str, Any] = {
    "image_processor_type": "ViTImageProcessor",
    "do_resize": True,
    "size": {"height": 8, "width": 8},
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.2, 0.3, 0.4],
}


def _processor(folder: Path, **more: Any) -> Any:
    (folder / FILE).write_text(json.dumps({**SAID, **more}))
    return open_image_processor(str(folder))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"size": {"height": 6, "width": 10}},
        {"do_normalize": False},
        {"do_rescale": False, "do_normalize": False},
        {"rescale_factor": 1 / 127.5, "image_mean": [1.0] * 3, "image_std": [1.0] * 3},
        {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 9},
         "crop_size": {"height": 8, "width": 8}, "do_center_crop": True},
    ],
)  # fmt: skip
def test_images_come_out_as_the_processor_makes_them(tmp_path: Path, more: Any) -> None:
    processor = _processor(tmp_path, **more)
    wanted = preprocessing_of(nn.Conv2d(3, 4, 3), processor)
    random = np.random.default_rng(0)
    image = Image.fromarray(random.integers(0, 255, (14, 20, 3)).astype("uint8"))
    shaped = torch.from_numpy(np.asarray(wanted.shaped(image)).astype(np.float32) / 255)
    assert wanted.mean is not None
    assert wanted.std is not None
    ours = (shaped - torch.tensor(wanted.mean)) / torch.tensor(wanted.std)
    theirs = torch.as_tensor(processor(image, return_tensors="np")["pixel_values"][0])
    close = 1.01 / 255 / min(wanted.std)  # pixels are whole numbers here
    assert torch.allclose(ours.permute(2, 0, 1), theirs.float(), atol=close)


def test_a_model_says_how_many_channels_it_takes() -> None:
    assert channels_of(resnet()) == 1
    assert channels_of(nn.Sequential(nn.Conv2d(3, 4, 3))) == 3
    assert channels_of(nn.Linear(2, 2)) is None


def test_a_model_of_timm_tells_its_own_normalisation() -> None:
    model: Any = nn.Conv2d(3, 4, 3)
    assert preprocessing_of(model).mean is None
    model.pretrained_cfg = {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6)}
    assert preprocessing_of(model).std == (0.4, 0.5, 0.6)


def test_where_there_is_none_nothing_is_guessed(tmp_path: Path) -> None:
    assert open_image_processor(str(tmp_path)) is None
    file = tmp_path / "weights.safetensors"
    file.touch()
    assert open_image_processor(str(file)) is None
    assert open_image_processor("timm:resnet18") is None
    model: Any = resnet()
    assert own_image_processor(model) is None
    _processor(tmp_path)
    model.config.name_or_path = str(tmp_path)
    assert own_image_processor(model) is not None


def test_a_broken_one_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"image_processor_type": "NoSuchProcessor"}')
    with pytest.raises(InputError, match="cannot be read as an image processor"):
        open_image_processor(str(tmp_path))
