"""The names of what the outputs of a network may mean. They stand apart from what uses them, since
the command line has to know them before torch is loaded."""

from __future__ import annotations

from typing import Literal

ProblemType = Literal[
    "single_label_classification", "multi_label_classification", "regression", "feature_extraction"
]
"""As `problem_type` in configurations of transformers, and feature_extraction for a representation
that has no labels."""
