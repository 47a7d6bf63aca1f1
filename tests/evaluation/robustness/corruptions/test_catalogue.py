"""The fifteen corruptions: what must hold of each, at any size and number of channels."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from leanfair.data.images import load
from leanfair.errors import InputError
from leanfair.evaluation.robustness.corruptions.catalogue import CORRUPTIONS, SEVERITIES, corrupted


def scenes(channels: int, side: int) -> torch.Tensor:
    """Twelve pictures with edges: digits, enlarged, in as many colours."""
    digits = load("digits").test.pixels[:12].float() / 255
    large = torch.nn.functional.interpolate(digits, (side, side + 4), mode="bilinear")
    tint = torch.linspace(0.6, 1.0, channels).view(1, -1, 1, 1)
    return 0.1 + 0.8 * large * tint


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).square().mean().sqrt())


def test_there_are_fifteen_of_four_kinds() -> None:
    assert len(CORRUPTIONS) == 15
    assert {each.kind for each in CORRUPTIONS.values()} == {"noise", "blur", "weather", "digital"}


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize(("channels", "side"), [(1, 8), (3, 32), (2, 13)])
def test_severities_take_an_image_ever_further_away(name: str, channels: int, side: int) -> None:
    clean = scenes(channels, side)
    made = [corrupted(clean, name, severity, seed=1) for severity in SEVERITIES]
    far = [distance(clean, each) for each in made]
    assert far[0] > 0.004
    assert far[-1] > far[0]
    assert all(after > 0.97 * before for before, after in pairwise(far)), far
    for each in made:
        assert each.shape == clean.shape
        assert each.dtype == clean.dtype
        assert float(each.min()) >= 0
        assert float(each.max()) <= 1
        assert torch.allclose(255 * each, (255 * each).round(), atol=1e-3)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_an_image_is_corrupted_alike_wherever_it_stands(name: str) -> None:
    clean = scenes(3, 16)
    whole = corrupted(clean, name, 3, rows=range(100, 112), seed=5)
    alone = corrupted(clean[4:6], name, 3, rows=(104, 105), seed=5)
    assert torch.allclose(whole[4:6], alone, atol=1.01 / 255)
    assert float((whole[4:6] - alone).abs().mean()) < 1e-4


@pytest.mark.parametrize(
    "name",
    ["gaussian_noise", "impulse_noise", "shot_noise", "glass_blur", "motion_blur", "snow", "frost",
     "fog", "elastic_transform"],
)  # fmt: skip
def test_what_is_drawn_differs_by_seed_and_by_image(name: str) -> None:
    same = scenes(3, 16)[:1].expand(6, -1, -1, -1)
    first = corrupted(same, name, 4, seed=0)
    assert distance(first[:1], first[1:]) > 0.002
    assert distance(first, corrupted(same, name, 4, seed=1)) > 0.002
    assert torch.equal(first, corrupted(same, name, 4, seed=0))


def test_unknown_names_severities_and_tensors_are_refused() -> None:
    clean = scenes(3, 8)
    with pytest.raises(InputError, match="no corruption 'rain'"):
        corrupted(clean, "rain", 1)
    with pytest.raises(InputError, match="from 1 to 5"):
        corrupted(clean, "fog", 6)
    with pytest.raises(InputError, match="for images"):
        corrupted(clean[0], "fog", 1)
    with pytest.raises(InputError, match="for images"):
        corrupted((255 * clean).to(torch.uint8), "fog", 1)
