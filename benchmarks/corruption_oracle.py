"""Our corruptions beside those of the package imagecorruptions, at that package's own strengths.

    pip install imagecorruptions pillow scipy; python benchmarks/corruption_oracle.py IMAGES.npy

IMAGES.npy: uint8 [n, height, width, 3], 32 pixels or more. For each corruption that both define
alike: how far the package takes an image (root of the mean square, 0 to 1), how far ours does, and
how far apart both results are. An environment of its own is needed: the package pins older tools.
"""

from __future__ import annotations

import json
import sys
import warnings

import numpy as np
from imagecorruptions import corrupt
from PIL import Image

from leanfair.evaluation.robustness.corruptions import blur, digital, noise, weather

SAME = {
    "gaussian_noise": (noise.gaussian_noise, (0.08, 0.12, 0.18, 0.26, 0.38)),
    "shot_noise": (noise.shot_noise, (60, 25, 12, 5, 3)),
    "impulse_noise": (noise.impulse_noise, (0.03, 0.06, 0.09, 0.17, 0.27)),
    "zoom_blur": (blur.zoom_blur, (1.11, 1.16, 1.21, 1.26, 1.31)),
    "brightness": (weather.brightness, (0.1, 0.2, 0.3, 0.4, 0.5)),
    "contrast": (digital.contrast, (0.4, 0.3, 0.2, 0.1, 0.05)),
    "pixelate": (digital.pixelate, (0.6, 0.5, 0.4, 0.3, 0.25)),
    "jpeg_compression": (digital.jpeg_compression, (25, 18, 15, 10, 7)),
}
"""Name -> our function, and the package's strengths at the severities 1 to 5."""


def main() -> None:
    warnings.filterwarnings("ignore")
    np.random.seed(0)
    small = np.load(sys.argv[1])[:24]
    images = np.stack([np.asarray(Image.fromarray(one).resize((64, 64), 3)) for one in small])
    found = {}
    for name, (make, strengths) in SAME.items():
        rows = []
        for severity, strength in enumerate(strengths, start=1):
            theirs = np.stack([corrupt(x, corruption_name=name, severity=severity) for x in images])
            rngs = [np.random.default_rng(n) for n in range(len(images))]
            ours = np.clip(make(images.astype(np.float32) / 255, strength, rngs), 0, 1)
            clean, other = images / 255, theirs / 255
            rows.append([_far(clean, other), _far(clean, ours), _far(other, ours)])
        found[name] = rows
        print(name, json.dumps(rows), flush=True)


def _far(one: np.ndarray, other: np.ndarray) -> float:
    return round(float(np.sqrt(((one - other) ** 2).mean())), 4)


if __name__ == "__main__":
    main()
