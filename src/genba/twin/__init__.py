"""What the plant would do: a line model that is fast, calibrated, and kept in step."""
