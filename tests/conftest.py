"""Tests reach no network, leave the cores to each other, and are not timed: machines are busy."""

from __future__ import annotations

import os

from hypothesis import settings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.register_profile("untimed", deadline=None, max_examples=30)
settings.load_profile("untimed")
