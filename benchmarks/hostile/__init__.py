"""Hostile and legal commands, and judges of what reaches the devices of a simulated plant."""
