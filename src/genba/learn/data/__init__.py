"""Data slices: from the historian or a file to one frozen data set."""
