"""Differences between parent and child on the same rows, paired: intervals, exact tests, and how
large one would have been found."""
