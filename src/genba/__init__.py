"""Genba: an open operating system for the AI factory."""

__version__ = "0.1.0"
