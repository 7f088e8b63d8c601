"""Real protocol servers in front of the simulated plant."""
