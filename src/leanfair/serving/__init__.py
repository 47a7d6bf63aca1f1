"""Decisions over HTTP: a judge that answers many callers at once, and mixes up none of them.

`running` binds a port and stops gracefully; `app` puts the pieces together; `guard` stands before
everything: who may ask, how much, and what is logged. `worker` owns the judge and asks it about
several callers at once; `api` holds the two ways to ask by program, `pages` those for a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.serving.app import application as application
    from leanfair.serving.limits import Limits as Limits
    from leanfair.serving.running import serve as serve
    from leanfair.serving.tokens import Tokens as Tokens

_HOMES = {
    "Limits": "limits",
    "Tokens": "tokens",
    "application": "app",
    "serve": "running",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)
