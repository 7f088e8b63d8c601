"""Soft sensors: what the laboratory or a slow analyzer would say, from signals alone."""
