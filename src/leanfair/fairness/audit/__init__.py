"""Audits: what a judge decides by group, and what each rule changes about it, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.fairness.audit.auditing import audit as audit
    from leanfair.fairness.audit.result import Audit as Audit
    from leanfair.fairness.audit.result import AuditEvent as AuditEvent

_HOMES = {
    "Audit": "result",
    "AuditEvent": "result",
    "audit": "auditing",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)
