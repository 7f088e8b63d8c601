"""Parts of the scheduling benchmarks: readers of public instances, and their best known bounds."""
