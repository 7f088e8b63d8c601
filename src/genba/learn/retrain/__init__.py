"""Learning a model anew: what triggers it, what it has to beat, and who is told."""
