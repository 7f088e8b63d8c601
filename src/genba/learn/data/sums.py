"""What the row of a part holds of a measurement, and what its columns are named for."""

SUMS = ("mean", "spread", "least", "greatest")
"""Over the part's own time: each is a column of its own, named for the signal and this."""
LAST = ".last"
"""Ends the name of a column of what gauging found of the last gauged part before."""
