"""Pictures for people; matplotlib is imported when one is drawn."""
