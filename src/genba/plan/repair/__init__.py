"""A plan that something came between: legal at once, better in seconds, changed little."""
