"""What no plan can be better than, and large plain shops planned from such bounds."""
