"""A plan for people: what is late and why, charts, files."""
