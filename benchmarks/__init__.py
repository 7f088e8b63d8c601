"""Measured figures, each with a command of its own. See README.md beside this file."""
