"""What was found out about the latest texts, kept while they are few and short enough."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Remembered(Generic[Found]):
    """Results of a function of (text, ...), those of the latest texts: at most `entries`, of texts
    that have `letters` characters together. So a table of long texts takes no more memory than one
    of short texts."""

    def __init__(self, make: Callable[..., Found], entries: int, letters: int) -> None:
        self._make, self._entries, self._letters = make, entries, letters
        self._known: OrderedDict[tuple[object, ...], Found] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def __call__(self, text: str, *given: object) -> Found:
        """The result for a text, made anew where it is not known any more."""
        key = (text, *given)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        made = self._make(text, *given)
        with self._lock:
            if key not in self._known:
                self._held += len(text)
            self._known[key] = made
            while len(self._known) > self._entries or (
                self._held > self._letters and len(self._known) > 1
            ):
                old, _ = self._known.popitem(last=False)
                self._held -= len(str(old[0]))
        return made

    def forget(self) -> None:
        """Forget all."""
        with self._lock:
            self._known.clear()
            self._held = 0
