"""`summary.json` of a comparison, key by key, one file a section.

`leanfair.comparison` writes it; the page reads it. The string below each key is its documentation:
docs/run-directory.md is generated from it.
"""
