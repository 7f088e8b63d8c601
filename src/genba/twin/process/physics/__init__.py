"""Unit processes from the books, ready to be identified on a machine."""
