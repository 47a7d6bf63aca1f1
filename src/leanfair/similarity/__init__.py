"""How alike two representations are: Centered Kernel Alignment, of arrays and of batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.similarity.alignment import cka as cka
    from leanfair.similarity.alignment import streamed_cka as streamed_cka

_HOMES = {"cka": "alignment", "streamed_cka": "alignment"}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)
