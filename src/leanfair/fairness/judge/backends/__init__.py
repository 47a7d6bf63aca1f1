"""Back ends: what puts prompts before a model and brings its answers back.

Which model is asked, and how, is a value of `models`; `open_backend` opens it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.fairness.judge.backends.base import Backend as Backend
    from leanfair.fairness.judge.backends.open import open_backend as open_backend

_HOMES = {
    "Backend": "base",
    "open_backend": "open",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)
