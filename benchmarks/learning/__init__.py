"""Public data sets as the learning benchmarks take them."""
