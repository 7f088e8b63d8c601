"""What must hold between the parts of a plant, one file per kind of part."""
