"""Forecasts of load and energy: the calendar, the past of the signal, and intervals."""
