"""Verifying: a registered model in shadow over what was recorded and it never saw."""
