"""Rows of terms that come from tables: people's names, and nationalities."""
