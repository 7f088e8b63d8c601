"""Honest parts of a data set, and the check that they are honest."""
