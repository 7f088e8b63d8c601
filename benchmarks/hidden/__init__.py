"""Parts of the benchmark of hidden faults: the truth, what was found, and how both are told."""
