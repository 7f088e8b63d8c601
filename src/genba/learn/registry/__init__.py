"""Models by their content, with where they come from, who signed, and where they ran."""
