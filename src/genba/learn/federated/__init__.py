"""Several sites train one model together; rows stay where they are, and the hub sees sums alone."""
