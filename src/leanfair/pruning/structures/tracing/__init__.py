"""Dependency tracing: which values of a network are computed from which of its channels."""
