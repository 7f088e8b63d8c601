"""Parts of ``python -m benchmarks.outages``: one source, several collectors, the same cuts."""
