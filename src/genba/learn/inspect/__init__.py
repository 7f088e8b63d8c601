"""Visual inspection: a small network taught with few labels, and difference from a golden image."""
