"""Test data that a run has seen are refused, as far as its hashes tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import leanfair
from leanfair.comparison.sides.overlap import UNKNOWN, check_unseen, overlap_note
from leanfair.data.raw.image_set import Images
from leanfair.errors import InputError
from tests.support.nets import samples, tiny

QUICK: dict[str, Any] = {
    "criterion": "l1", "min_layers": 1, "latency_batches": (), "cut": 0.2,
    "candidate_epochs": 0, "round_epochs": 0, "final_epochs": 0,
}  # fmt: skip


def images(count: int, seed: int) -> Images:
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (count, 1, 8, 8), generator=generator, dtype=torch.uint8)
    return Images(pixels, torch.arange(count) % 4, (0.5,), (0.5,))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    train = replace(images(24, 1), augment=True)
    leanfair.prune(
        tiny(), train=train, calibration=images(16, 2), test=images(16, 3), out=out, **QUICK
    )
    return out


def test_what_it_was_trained_on_is_refused_augmented_or_not(run: Path) -> None:
    for data in (images(24, 1), replace(images(24, 1), augment=True)):
        with pytest.raises(InputError, match="trained on, so its figures would say nothing"):
            check_unseen(run, data)


def test_what_its_candidates_were_chosen_on_is_refused(run: Path) -> None:
    with pytest.raises(InputError, match="chosen on"):
        check_unseen(run, images(16, 2))


def test_its_own_test_data_are_known_to_be_apart_and_others_are_not(run: Path) -> None:
    check_unseen(run, images(16, 3))
    assert overlap_note(run, images(16, 3)) is None
    check_unseen(run, samples(16, 4))
    assert overlap_note(run, samples(16, 4)) == UNKNOWN
