"""Samples that only one of both gets right: which, and how they are shown."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
import torch
from PIL import Image

from leanfair.comparison.measures.examples import LETTERS, MOST, examples_of, picture_of, text_of
from leanfair.comparison.pair import Pixels
from leanfair.data.batches import Batch
from tests.support.nets import samples
from tests.support.pairs import small_pair
from tests.support.tiny_text import prose, tokenizer


def pixels_in(address: str | None) -> np.ndarray:
    assert address is not None
    head, content = address.split(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(BytesIO(base64.b64decode(content))))


def test_only_samples_that_one_alone_gets_right_are_drawn_by_the_seed() -> None:
    data = samples(60)
    pair = small_pair(data)
    generator = torch.Generator().manual_seed(0)
    right = (torch.rand(60, generator=generator) < 0.5, torch.rand(60, generator=generator) < 0.5)
    labels = data.tensors[1]
    shown = [examples_of(pair, data, right, labels, (labels, labels), seed) for seed in (0, 0, 1)]
    assert shown[0] == shown[1] != shown[2]
    for each in shown:
        assert len(each["only_parent"]) == len(each["only_child"]) == MOST
        assert all(right[0][e["index"]] and not right[1][e["index"]] for e in each["only_parent"])
        assert all(right[1][e["index"]] and not right[0][e["index"]] for e in each["only_child"])
        first = each["only_child"][0]
        assert first["label"] == pair.classes[int(labels[first["index"]])]
        assert first["picture"] == picture_of(Batch(data.tensors[0][[first["index"]]]), None)


def test_normalisation_is_undone_to_the_last_level() -> None:
    levels = torch.randint(0, 256, (1, 3, 6, 5), generator=torch.Generator().manual_seed(0))
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.1)
    inputs = (levels / 255 - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1)
    found = pixels_in(picture_of(Batch(inputs), Pixels(mean, std)))
    assert np.array_equal(found, levels[0].permute(1, 2, 0).numpy())


def test_without_one_that_is_known_the_picture_spans_black_to_white() -> None:
    found = pixels_in(picture_of(Batch(torch.randn(1, 1, 8, 8)), None))
    assert (found.min(), found.max()) == (0, 255)


def test_large_pictures_become_small_and_other_samples_none() -> None:
    found = pixels_in(picture_of(Batch(torch.rand(1, 3, 300, 200)), None))
    assert found.shape[0] == 96
    assert picture_of(Batch(torch.rand(1, 12)), None) is None
    assert picture_of(Batch(torch.rand(1, 5, 8, 8)), None) is None


def test_texts_are_read_without_padding_and_shortened() -> None:
    words = tokenizer()
    told = prose(6)
    ids = torch.tensor([[*words(told, add_special_tokens=False)["input_ids"], 3, 3]])
    batch = Batch({"input_ids": ids, "attention_mask": (torch.arange(8) < 6).long()[None]})
    assert text_of(batch, words) == told
    long = torch.tensor([words(prose(300), add_special_tokens=False)["input_ids"]])
    found = text_of(Batch({"input_ids": long}), words)
    assert found is not None
    assert len(found) == LETTERS
    assert found.endswith("…")
    assert text_of(batch, None) is None
