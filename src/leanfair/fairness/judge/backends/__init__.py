"""Back ends: what puts prompts before a model and brings its answers back."""

from leanfair.fairness.judge.backends.base import Backend as Backend
from leanfair.fairness.judge.backends.base import Settings as Settings
from leanfair.fairness.judge.backends.open import open_backend as open_backend
