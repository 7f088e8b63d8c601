"""What is not normal: limits set on normal data, and which signals speak for it."""
