"""Remaining useful life: pooled over machines, with intervals that cover."""
