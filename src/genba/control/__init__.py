"""Set-point control: choose what to do next in a process model, within limits, before it is due."""
