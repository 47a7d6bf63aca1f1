"""What corruptions are made with: kernels, matrices, fields and places."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from leanfair.evaluation.robustness.corruptions.drawing import (
    along_both,
    by_area,
    convolved,
    disk,
    magnified,
    smooth_field,
    streak,
    warped,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.random((2, 9, 12, 3)).astype(np.float32)


@pytest.mark.parametrize("radius", [0.1, 0.5, 1.7, 4.0])
def test_a_disk_is_even_symmetric_and_as_wide_as_its_radius(radius: float) -> None:
    kernel = disk(radius)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert np.allclose(kernel, kernel.T, atol=1e-6)
    assert np.allclose(kernel, kernel[::-1], atol=1e-6)
    offsets = np.arange(len(kernel)) - len(kernel) // 2
    spread = (kernel.sum(axis=1) * offsets**2).sum()
    # a disk's variance along an axis is radius^2 / 4; sharing out between pixels adds at most 1/4
    assert radius**2 / 4 * 0.9 <= spread <= radius**2 / 4 * 1.1 + 0.25


def test_a_streak_lies_along_its_angle() -> None:
    level = streak(4.0, 0.0)
    middle = len(level) // 2
    assert level[middle].sum() == pytest.approx(1, abs=1e-5)
    assert level[middle, middle] > level[middle, middle + 3] > 0


@pytest.mark.parametrize("kernel", [disk(1.5), streak(3.0, 0.7)])
def test_a_convolution_is_that_of_scipy(kernel: np.ndarray) -> None:
    wanted = ndimage.convolve(IMAGES, kernel[None, :, :, None], mode="reflect")
    assert np.allclose(convolved(IMAGES, kernel), wanted, atol=1e-5)


def test_a_warp_is_that_of_scipy() -> None:
    down, right = RNG.uniform(-3, 3, (2, 2, 9, 12)).astype(np.float32)
    ours = warped(IMAGES, down, right)
    rows, columns = np.mgrid[:9, :12]
    for n in range(2):
        for c in range(3):
            place = [rows + down[n], columns + right[n]]
            wanted = ndimage.map_coordinates(IMAGES[n, :, :, c], place, order=1, mode="nearest")
            assert np.allclose(ours[n, :, :, c], wanted, atol=1e-5)


@pytest.mark.parametrize(("new", "old"), [(1, 5), (3, 5), (5, 5), (8, 5)])
def test_resizing_by_area_keeps_the_mean(new: int, old: int) -> None:
    matrix = by_area(new, old)
    assert np.allclose(matrix.sum(axis=1), 1, atol=1e-6)
    line = RNG.random(old)
    assert (matrix @ line).mean() == pytest.approx(line.mean(), abs=1e-6)


def test_magnifying_by_one_changes_nothing_and_keeps_the_middle() -> None:
    assert np.allclose(magnified(7, 1.0), np.eye(7))
    assert np.allclose(magnified(1, 1.3), np.eye(1))
    assert magnified(7, 2.0)[3].argmax() == 3
    same = along_both(IMAGES, magnified(9, 1.0), magnified(12, 1.0))
    assert np.allclose(same, IMAGES)


def test_a_field_runs_from_0_to_1_and_is_smoother_for_a_larger_power() -> None:
    rough, smooth = (smooth_field(np.random.default_rng(1), 16, 20, p) for p in (0.0, 2.0))
    for field in (rough, smooth):
        assert field.shape == (16, 20)
        assert (field.min(), field.max()) == pytest.approx((0.0, 1.0))
    assert np.abs(np.diff(smooth)).mean() < 0.5 * np.abs(np.diff(rough)).mean()
