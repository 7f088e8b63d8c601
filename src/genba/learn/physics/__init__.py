"""What columns are together: power of torque and speed, a difference of temperatures, a ratio."""
