"""A model behind a server that speaks as OpenAI's does, which is not trusted in anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.fairness.judge.backends.server.backend import KEY_VARIABLE as KEY_VARIABLE
    from leanfair.fairness.judge.backends.server.backend import ServerBackend as ServerBackend

_HOMES = {
    "KEY_VARIABLE": "backend",
    "ServerBackend": "backend",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)
