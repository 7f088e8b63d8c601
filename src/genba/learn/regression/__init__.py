"""Numbers from windows: linear views, ridge, boosted trees, and intervals that hold."""
