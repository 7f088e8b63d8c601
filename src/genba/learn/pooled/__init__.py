"""Machines of one kind: learned together, or one after the other."""
