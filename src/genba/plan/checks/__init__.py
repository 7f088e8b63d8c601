"""What can be planned at all, and whether a plan is legal: both apart from those who plan."""
