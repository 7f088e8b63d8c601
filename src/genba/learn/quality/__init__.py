"""The quality of a part before anybody looks at it: calibrated probability, and what it costs."""
