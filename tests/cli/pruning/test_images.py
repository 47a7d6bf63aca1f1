"""Images and their model are made to fit: what the model says of them is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import ViTConfig, ViTForImageClassification

from leanfair.cli.pruning.images import open_images
from leanfair.cli.pruning.options import DataOptions
from leanfair.errors import InputError
from leanfair.models.image_processor import FILE


def _folder(
    path: Path, names: list[str], grey: bool = True, parts: tuple[str, ...] = ("",)
) -> Path:
    random = np.random.default_rng(0)
    for part in parts:
        for name in names:
            (path / part / name).mkdir(parents=True)
            for i in range(6):
                pixels = random.integers(0, 255, (8, 8)).astype("uint8")
                Image.fromarray(pixels).save(path / part / name / f"{i}.png")
    return path


def _model(path: Path, names: list[str] | None = None, **more: Any) -> Path:
    told: dict[str, Any] = {"num_labels": 3}
    if names is not None:
        told = {
            "id2label": dict(enumerate(names)),
            "label2id": {name: number for number, name in enumerate(names)},
        }
    config = ViTConfig(
        image_size=8, patch_size=4, hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, **told, **more,
    )  # fmt: skip
    ViTForImageClassification(config).save_pretrained(path)
    return path


def _opened(tmp_path: Path, names: list[str], known: list[str] | None, **given: Any) -> Any:
    data, model = _folder(tmp_path / "data", names), _model(tmp_path / "model", known)
    return open_images(str(model), str(data), DataOptions(**given), 0)


def test_classes_have_the_numbers_that_the_model_gives_their_names(tmp_path: Path) -> None:
    _, splits, _ = _opened(tmp_path, ["1", "10", "2"], ["2", "1", "10"])
    assert splits.classes == ("2", "1", "10")
    assert splits.test.classes == splits.classes
    assert not any("numbered" in note for note in splits.train.notes)


@pytest.mark.parametrize(
    ("names", "known", "told"),
    [
        (["cat", "dog"], ["a", "b", "c"], "are not called as those of the model"),
        (["1", "2", "10"], None, "in the order of text"),
    ],
)
def test_where_names_tell_nothing_that_is_noted(
    tmp_path: Path, names: list[str], known: list[str] | None, told: str
) -> None:
    _, splits, _ = _opened(tmp_path, names, known)
    assert any(told in note for note in splits.calibration.notes)


def test_a_class_that_the_model_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="knows no class 'cow'"):
        _opened(tmp_path, ["cat", "cow"], ["cat", "dog"])


def test_grey_images_come_in_colour_for_a_model_of_colour(tmp_path: Path) -> None:
    _, splits, processor = _opened(tmp_path, ["a", "b"], None)
    assert splits.train.pixels.shape[1:] == (3, 8, 8)
    assert processor is None
    assert any("does not say how its images are normalised" in n for n in splits.train.notes)


def test_what_is_given_goes_before_what_the_model_says(tmp_path: Path) -> None:
    said = {"image_processor_type": "ViTImageProcessor", "size": {"height": 8, "width": 8}}
    _model(tmp_path / "model")
    (tmp_path / "model" / FILE).write_text(json.dumps({**said, "image_mean": [0.1] * 3}))
    data = _folder(tmp_path / "data", ["a", "b"])
    for given, mean in ((DataOptions(), 0.1), (DataOptions(mean=(0.3,)), 0.3)):
        _, splits, processor = open_images(str(tmp_path / "model"), str(data), given, 0)
        assert splits.test.mean == pytest.approx((mean,) * 3)
        assert processor is not None
    with pytest.raises(InputError, match="must be one number, or 3"):
        open_images(str(tmp_path / "model"), str(data), DataOptions(mean=(0.1, 0.2)), 0)


def test_a_valid_part_beside_train_and_test_calibrates(tmp_path: Path) -> None:
    data = _folder(tmp_path / "data", ["a", "b", "c"], parts=("train", "valid", "test"))
    _, splits, _ = open_images(str(_model(tmp_path / "model")), str(data), DataOptions(), 0)
    assert [len(part) for part in (splits.train, splits.calibration, splits.test)] == [18, 18, 18]
    _, few, _ = open_images(str(tmp_path / "model"), str(data), DataOptions(calibration=6), 0)
    assert few.calibration.labels.bincount().tolist() == [2, 2, 2]
    with pytest.raises(InputError, match="calibration=19 is more than"):
        open_images(str(tmp_path / "model"), str(data), DataOptions(calibration=19), 0)


def test_an_untrained_network_is_made_to_fit(tmp_path: Path) -> None:
    data = _folder(tmp_path / "data", ["a", "b"])
    network, splits, _ = open_images("resnet20", str(data), DataOptions(), 0)
    assert network(splits.test.take(torch.arange(2), torch.Generator())[0]).shape == (2, 2)
