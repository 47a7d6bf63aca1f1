"""Robustness of two models side by side: measured, written down, and held against two claims."""
