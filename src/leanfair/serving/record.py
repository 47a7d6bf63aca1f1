"""What was decided, line by line and without any text, for an audit of what was served."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from leanfair.errors import InputError, RunDirectoryError
from leanfair.fairness.types import Decision


def line_of(decision: Decision, moment: str) -> dict[str, Any]:
    """What is kept of a decision: how it went, the probabilities, and what each value of the
    attribute would have got, uncorrected. `value` is the one that came in, None where the item was
    not varied."""
    varied = decision.variations if len(decision.variations) > 1 else ()
    return {
        "time": moment,
        "decision": decision.label,
        "status": decision.status,
        "flipped": decision.flipped,
        "value": next((each.value for each in varied if each.original), None),
        "values": {each.value: each.label for each in varied},
        "probabilities": dict(decision.probabilities),
    }


class Record:
    """A file of JSON lines that only grows; its owner's alone, since it tells what people are."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise InputError(
                f"The record {self.path} cannot be written ({error.strerror}): name another file."
            ) from error

    def add(self, decisions: Sequence[Decision]) -> None:
        """Write decisions down, in one piece. Raises RunDirectoryError where that fails."""
        moment = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        lines = [json.dumps(line_of(decision, moment)) + "\n" for decision in decisions]
        content = "".join(lines).encode()
        try:
            written = os.write(self._file, content) if content else 0
            if written < len(content):
                os.write(self._file, b"\n")  # what is cut short stays a line alone
        except OSError as error:
            raise RunDirectoryError(
                f"The record {self.path} cannot be written: {error.strerror}."
            ) from error
        if written < len(content):
            raise RunDirectoryError(f"The record {self.path} has no room: make some.")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
