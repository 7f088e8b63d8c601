"""The same time on a simulated plant under its conventional controller and under Genba."""
