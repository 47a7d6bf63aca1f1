"""Two models answer the same task, or are refused with one sentence."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from leanfair.comparison.comparing import compare
from leanfair.comparison.pair import Side
from leanfair.comparison.sides.fitting import fitted
from leanfair.data.raw.image_set import Images
from leanfair.errors import InputError
from tests.support.nets import resnet, samples, tiny
from tests.support.tiny_text import bert, llama, tokenizer


def named(*labels: str) -> Any:
    model: Any = resnet()
    model.config.id2label = dict(enumerate(labels))
    return model


@pytest.mark.parametrize(
    ("one", "other", "sentence"),
    [
        (("cat", "dog", "fox"), ("cat", "dog"), "3 classes apart, but B 2"),
        (("cat", "dog", "fox"), ("cat", "fox", "dog"), "Class 1 is 'dog' in A, but 'fox' in B"),
    ],
)
def test_other_classes_are_refused(
    one: tuple[str, ...], other: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        fitted(Side("A", named(*one)), Side("B", named(*other)), None)


def test_classes_without_names_are_taken_to_be_the_same() -> None:
    names = "LABEL_0", "LABEL_1", "LABEL_2"
    fitted(Side("A", named("cat", "dog", "fox")), Side("B", named(*names)), None)


def test_a_language_model_beside_a_classifier_is_refused() -> None:
    with pytest.raises(InputError, match="A is a language model, but B is none"):
        fitted(Side("A", llama()), Side("B", bert()), None)


def test_other_tokenizers_are_refused() -> None:
    one, other = tokenizer(), tokenizer()
    other.add_tokens(["new"])
    with pytest.raises(InputError, match="different tokenizers"):
        fitted(Side("A", llama(), one), Side("B", llama(), other), None)
    fitted(Side("A", llama(), one), Side("B", llama(), tokenizer()), None)


def test_data_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match="does not run on the test data"):
        fitted(Side("A", tiny()), Side("B", tiny()), samples(4, channels=3))


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("dog", "cat", "fox"), "Class 0 is 'dog' in the test data, but 'cat' in A"),
        (("cat", "dog", "fox", "owl"), "have 4 classes, but A tells 3 apart"),
    ],
)
def test_test_data_of_other_classes_are_refused(names: tuple[str, ...], sentence: str) -> None:
    pixels = torch.zeros(4, 1, 8, 8, dtype=torch.uint8)
    data = Images(pixels, torch.tensor([0, 1, 2, 0]), (0.5,), (0.5,), classes=names)
    model = named("cat", "dog", "fox")
    with pytest.raises(InputError, match=sentence):
        fitted(Side("A", model), Side("B", model), data)


def test_a_label_beyond_the_classes_is_refused_when_it_is_met() -> None:
    data = [(samples(4).tensors[0], torch.tensor([0, 1, 2, 7]))]
    with pytest.raises(
        InputError, match="label of the test data is 7, but the model has the classes 0 to 3"
    ):
        compare(tiny(), tiny(seed=1), test=data, seconds=0)
