"""Files that are written whole or not at all.

What is read back is first held against what it should be; folders say what they are, and are locked
while they are written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.files.checked_json import read_json as read_json
    from leanfair.files.locks import locked as locked
    from leanfair.files.tensors import TensorFile as TensorFile
    from leanfair.files.tensors import read_tensors as read_tensors
    from leanfair.files.tensors import write_tensors as write_tensors
    from leanfair.files.writing import file_hash as file_hash
    from leanfair.files.writing import is_same as is_same
    from leanfair.files.writing import json_bytes as json_bytes
    from leanfair.files.writing import write_bytes as write_bytes
    from leanfair.files.writing import write_json as write_json
    from leanfair.files.writing import write_text as write_text

_HOMES = {
    "TensorFile": "tensors",
    "file_hash": "writing",
    "json_bytes": "writing",
    "is_same": "writing",
    "locked": "locks",
    "read_json": "checked_json",
    "read_tensors": "tensors",
    "write_bytes": "writing",
    "write_json": "writing",
    "write_tensors": "tensors",
    "write_text": "writing",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)
