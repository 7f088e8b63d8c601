"""The reference plant: simulated devices that stand in for steel and oil, and for nothing else."""
