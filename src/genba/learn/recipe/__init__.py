"""Recipes, the ladder that they stand on, and what is said of the one that was chosen."""
