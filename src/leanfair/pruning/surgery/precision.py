"""Numbers of half precision in full: what is summed over many would drown in rounding."""

from __future__ import annotations
