"""Back ends: what puts prompts before a model and brings its answers back.

Which model is asked, and how, is a value of `models`; `open_backend` opens it.
"""

from leanfair.fairness.judge.backends.base import Backend as Backend
from leanfair.fairness.judge.backends.open import open_backend as open_backend
