"""From a plant, its orders and what runs on the floor to a problem."""
