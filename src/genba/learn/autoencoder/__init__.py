"""A small network that learns to say a normal window again, and cannot say one that is not."""
