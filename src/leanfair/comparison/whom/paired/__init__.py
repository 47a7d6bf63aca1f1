"""Differences between parent and child on the same rows, paired.

Their intervals, exact tests of them, and how large one would have been found.
"""
