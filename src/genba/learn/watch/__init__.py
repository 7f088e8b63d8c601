"""Watching models in force: drift, calibration, false alarms, and what follows from them."""
