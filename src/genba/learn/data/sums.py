"""What the row of a part holds of a measurement."""

SUMS = ("mean", "spread", "least", "greatest")
"""Over the part's own time: each is a column of its own, named for the signal and this."""
