"""Set-point control against public plants, each in an environment of its own."""
