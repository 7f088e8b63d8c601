"""What is made of the past of each row, and of nothing else."""
