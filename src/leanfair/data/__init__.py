"""Data, read and divided: images, running and labelled text, tables, and batches of any of them.

Everything that is pruned or audited is given through here. A source is a torch Dataset or any
iterable of batches; what is read from files comes in three parts that do not overlap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.data.batches import Batch as Batch
    from leanfair.data.batches import Source as Source
    from leanfair.data.images import IMAGENET_MEAN as IMAGENET_MEAN
    from leanfair.data.images import IMAGENET_STD as IMAGENET_STD
    from leanfair.data.images import Images as Images
    from leanfair.data.images import Splits as Splits
    from leanfair.data.images import load as load
    from leanfair.data.labelled_text import TextTable as TextTable
    from leanfair.data.labelled_text import load_table as load_table
    from leanfair.data.splits import TextSplits as TextSplits
    from leanfair.data.tables import read_table as read_table
    from leanfair.data.tables import write_table as write_table
    from leanfair.data.text import Tokens as Tokens
    from leanfair.data.text import load_text as load_text

_HOMES = {
    "Batch": "batches",
    "IMAGENET_MEAN": "images",
    "IMAGENET_STD": "images",
    "Images": "images",
    "Source": "batches",
    "Splits": "images",
    "TextSplits": "splits",
    "TextTable": "labelled_text",
    "Tokens": "text",
    "load": "images",
    "load_table": "labelled_text",
    "load_text": "text",
    "read_table": "tables",
    "write_table": "tables",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)
